//! Speak: messages on a stream, one at a time, without taking a byte that is not theirs.

use std::{
    future::poll_fn,
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use culvert_io::Stream;
use culvert_wire::{
    Body, Codec, ControlCipher, Fault, Message, Version, WireError, limits,
    v2::{self, FrameType, Opening},
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf, ReadHalf, WriteHalf};

use crate::{Result, TransportError, aead::AeadStream, encrypted};

/// Bytes that a buffered reader asks for at once: a burst of control messages in one read.
const READ_AHEAD: usize = 4096;

/// Bytes that can be read of a fresh connection in either version without taking any behind its
/// first message: version 2 has its magic and a frame's header there.
const HEAD: usize = limits::V1_HEADER;

/// A stream that carries messages.
///
/// It begins in exact mode: nothing behind a message is read, because payload or another cipher
/// may begin there (protocol 3.3, trap M2). A control stream has no such hand-over once it is
/// encrypted; [`buffered`](Self::buffered) makes reading it cheaper.
#[derive(Debug)]
pub struct Framed {
    stream: Stream,
    input: Input,
    output: Output,
}

impl Framed {
    /// Messages on `stream`, in exact mode.
    #[must_use]
    pub fn new(stream: Stream, codec: Codec) -> Self {
        Self {
            stream,
            input: Input::new(codec),
            output: Output::new(codec),
        }
    }

    /// Messages on a connection that we opened: what says their version leaves in front of the
    /// first (protocol 4.1).
    #[must_use]
    pub fn dialled(stream: Stream, codec: Codec) -> Self {
        let mut framed = Self::new(stream, codec);
        framed.output.bytes.extend_from_slice(codec.magic());
        framed
    }

    /// Messages on a connection that the peer opened, in the version that its first bytes tell;
    /// `None` when it ended without any. Whoever speaks version 1 waits for nothing.
    ///
    /// *Cancel safety*: the stream is lost.
    ///
    /// # Errors
    /// The stream failed, or ended before it told.
    pub async fn accepted(mut stream: Stream) -> Result<Option<Self>> {
        let mut head = BytesMut::with_capacity(HEAD);
        loop {
            if let Some(version) = Version::sniff(&head) {
                let codec = Codec::new(version);
                head.advance(codec.magic().len());
                let mut framed = Self::new(stream, codec);
                framed.input.bytes = head;
                return Ok(Some(framed));
            }
            let room = HEAD.saturating_sub(head.len());
            if stream.read_buf(&mut (&mut head).limit(room)).await? == 0 {
                return match head.is_empty() {
                    true => Ok(None),
                    false => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                };
            }
        }
    }

    /// Reads ahead from now on. Only for streams that carry nothing but messages to their end.
    #[must_use]
    pub const fn buffered(mut self) -> Self {
        self.input.ahead = true;
        self
    }

    /// The stream underneath.
    #[must_use]
    pub const fn stream(&self) -> &Stream {
        &self.stream
    }

    /// How its messages are written.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        self.input.codec
    }

    /// The next message, or `None` when the peer ended the stream between two messages.
    ///
    /// *Cancel safety*: safe.
    ///
    /// # Errors
    /// The peer's bytes are no message, it ended inside one, or the stream failed.
    pub async fn next(&mut self) -> Result<Option<Message>> {
        self.input.next(&mut self.stream).await
    }

    /// What the peer opens the connection with, a message or in version 2 also a hello; `None`
    /// when it ended the stream instead.
    ///
    /// *Cancel safety*: safe.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn opening(&mut self) -> Result<Option<Opening>> {
        self.input
            .read(&mut self.stream, Codec::decode_opening)
            .await
    }

    /// The payload of the server's answer to our hello, within `limit`; `None` when it ended the
    /// stream instead (protocol 4.2).
    ///
    /// *Cancel safety*: safe.
    ///
    /// # Errors
    /// As [`next`](Self::next); the peer is silent.
    pub async fn server_hello(&mut self, limit: Duration) -> Result<Option<Bytes>> {
        let decode = |_, buf: &mut _| v2::decode_server_hello(buf);
        tokio::time::timeout(limit, self.input.read(&mut self.stream, decode))
            .await
            .map_err(|_elapsed| TransportError::Timeout {
                what: "waiting for the server's hello".to_owned(),
                after: limit,
            })?
    }

    /// The one message that may follow here, within `limit`; `what` names it in the error.
    /// Version 1 does not compare the type byte then, version 2 does (protocol 3.1 and 4.2).
    ///
    /// *Cancel safety*: safe.
    ///
    /// # Errors
    /// As [`next`](Self::next); the peer is silent; the stream ends instead.
    pub async fn expect<T: Body>(&mut self, limit: Duration, what: &str) -> Result<T> {
        tokio::time::timeout(limit, self.next_as(what))
            .await
            .map_err(|_elapsed| TransportError::Timeout {
                what: format!("waiting for {what}"),
                after: limit,
            })?
    }

    /// [`expect`](Self::expect) without a deadline, for a stream that may be idle for long.
    ///
    /// *Cancel safety*: safe.
    ///
    /// # Errors
    /// As there.
    pub async fn next_as<T: Body>(&mut self, what: &str) -> Result<T> {
        self.input.next_as(&mut self.stream, what).await
    }

    /// The next message of any type, within `limit`.
    ///
    /// *Cancel safety*: safe.
    ///
    /// # Errors
    /// As [`next`](Self::next); the peer is silent.
    pub async fn next_within(&mut self, limit: Duration) -> Result<Option<Message>> {
        tokio::time::timeout(limit, self.next())
            .await
            .map_err(|_elapsed| TransportError::Timeout {
                what: "waiting for a message".to_owned(),
                after: limit,
            })?
    }

    /// Sends one message and flushes it.
    ///
    /// *Cancel safety*: the message stays queued; [`flush`](Self::flush) or the next send goes on.
    ///
    /// # Errors
    /// The message is too long for any peer, or the stream failed.
    pub async fn send(&mut self, message: &Message) -> Result<()> {
        self.feed(message)?;
        self.flush().await
    }

    /// Queues one message without sending it.
    ///
    /// # Errors
    /// The message is too long for any peer.
    pub fn feed(&mut self, message: &Message) -> Result<()> {
        self.output.feed(message)
    }

    /// Queues a hello with this payload (protocol 4.2).
    ///
    /// # Errors
    /// The payload is too long for any peer.
    pub fn feed_hello(&mut self, kind: FrameType, payload: &[u8]) -> Result<()> {
        Ok(v2::encode_frame(kind, payload, &mut self.output.bytes)?)
    }

    /// Sends what is queued.
    ///
    /// *Cancel safety*: safe; what is left stays queued.
    ///
    /// # Errors
    /// The stream failed.
    pub async fn flush(&mut self) -> Result<()> {
        self.output.flush(&mut self.stream).await
    }

    /// Puts the control cipher under the messages that follow, in both directions, and reads
    /// ahead from now on (protocol 3.5 and 4.4). What was queued must have been flushed before.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn encrypt(self, cipher: &ControlCipher) -> Result<Self> {
        let codec = self.input.codec;
        let stream = self.into_stream();
        let hidden = match cipher {
            ControlCipher::Cfb(key) => encrypted(stream, key)?,
            ControlCipher::Aead(keys) => {
                let peer = *stream.peer();
                Stream::new(AeadStream::new(stream, keys)?, peer)
            }
        };
        Ok(Self::new(hidden, codec).buffered())
    }

    /// The stream, positioned right behind the last message; bytes that were read ahead come
    /// first. Messages that are queued and not flushed are lost.
    #[must_use]
    pub fn into_stream(self) -> Stream {
        if self.input.bytes.is_empty() {
            return self.stream;
        }
        self.stream.rewind(self.input.bytes.freeze())
    }

    /// Two halves, for tasks that read and write at the same time.
    #[must_use]
    pub fn split(self) -> (FramedReader, FramedWriter) {
        let (read, write) = tokio::io::split(self.stream);
        let reader = FramedReader {
            io: read,
            input: self.input,
        };
        let writer = FramedWriter {
            io: write,
            output: self.output,
        };
        (reader, writer)
    }
}

/// The reading half of a [`Framed`].
#[derive(Debug)]
pub struct FramedReader {
    io: ReadHalf<Stream>,
    input: Input,
}

impl FramedReader {
    /// See [`Framed::next`].
    ///
    /// *Cancel safety*: safe.
    ///
    /// # Errors
    /// As there.
    pub async fn next(&mut self) -> Result<Option<Message>> {
        self.input.next(&mut self.io).await
    }
}

/// The writing half of a [`Framed`]; dropping it does not end the stream.
#[derive(Debug)]
pub struct FramedWriter {
    io: WriteHalf<Stream>,
    output: Output,
}

impl FramedWriter {
    /// See [`Framed::send`].
    ///
    /// *Cancel safety*: as there.
    ///
    /// # Errors
    /// As there.
    pub async fn send(&mut self, message: &Message) -> Result<()> {
        self.feed(message)?;
        self.flush().await
    }

    /// See [`Framed::feed`].
    ///
    /// # Errors
    /// As there.
    pub fn feed(&mut self, message: &Message) -> Result<()> {
        self.output.feed(message)
    }

    /// See [`Framed::flush`].
    ///
    /// *Cancel safety*: safe.
    ///
    /// # Errors
    /// As there.
    pub async fn flush(&mut self) -> Result<()> {
        self.output.flush(&mut self.io).await
    }

    /// How many bytes wait to be flushed.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.output.bytes.len()
    }

    /// Flushes and ends our direction.
    ///
    /// *Cancel safety*: may be called again.
    ///
    /// # Errors
    /// The stream failed.
    pub async fn shutdown(&mut self) -> Result<()> {
        self.flush().await?;
        Ok(self.io.shutdown().await?)
    }
}

#[derive(Debug)]
struct Input {
    codec: Codec,
    bytes: BytesMut,
    ahead: bool,
}

impl Input {
    fn new(codec: Codec) -> Self {
        Self {
            codec,
            bytes: BytesMut::new(),
            ahead: false,
        }
    }

    async fn next<R: AsyncRead + Unpin>(&mut self, io: &mut R) -> Result<Option<Message>> {
        self.read(io, Codec::decode).await
    }

    async fn next_as<T: Body, R: AsyncRead + Unpin>(
        &mut self,
        io: &mut R,
        what: &str,
    ) -> Result<T> {
        self.read(io, Codec::decode_as)
            .await?
            .ok_or_else(|| TransportError::Closed(format!("no {what} came")))
    }

    /// The next thing that `decode` makes of the bytes; `None` when the stream ended in front.
    async fn read<T, R: AsyncRead + Unpin>(
        &mut self,
        io: &mut R,
        decode: impl Fn(Codec, &mut BytesMut) -> Result<Option<T>, WireError>,
    ) -> Result<Option<T>> {
        loop {
            if let Some(value) = decode(self.codec, &mut self.bytes)? {
                return Ok(Some(value));
            }
            if !self.fill(io).await? {
                return Ok(None);
            }
        }
    }

    /// Reads once; `false` when the stream ended between two messages.
    async fn fill<R: AsyncRead + Unpin>(&mut self, io: &mut R) -> Result<bool> {
        let needed = self.codec.needed(&self.bytes)?;
        let missing = needed.saturating_sub(self.bytes.len()).max(1);
        let room = if self.ahead {
            missing.max(READ_AHEAD)
        } else {
            missing
        };
        let n = poll_fn(|cx| self.poll_read(cx, Pin::new(&mut *io), room)).await?;
        if n == 0 && !self.bytes.is_empty() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(n > 0)
    }

    /// Reads up to `room` bytes, of which a part may come. While none come, a reader between two
    /// messages holds no memory: thousands of control streams wait like that.
    fn poll_read<R: AsyncRead>(
        &mut self,
        cx: &mut Context<'_>,
        io: Pin<&mut R>,
        room: usize,
    ) -> Poll<io::Result<usize>> {
        if self.bytes.is_empty() {
            self.bytes = BytesMut::new();
        }
        let mut space = [const { MaybeUninit::uninit() }; READ_AHEAD];
        let len = room.min(READ_AHEAD);
        let mut space = ReadBuf::uninit(space.get_mut(..len).unwrap_or_default());
        ready!(io.poll_read(cx, &mut space))?;
        self.bytes.extend_from_slice(space.filled());
        Poll::Ready(Ok(space.filled().len()))
    }
}

#[derive(Debug)]
struct Output {
    codec: Codec,
    bytes: BytesMut,
}

impl Output {
    fn new(codec: Codec) -> Self {
        Self {
            codec,
            bytes: BytesMut::new(),
        }
    }

    fn feed(&mut self, message: &Message) -> Result<()> {
        Ok(self.codec.encode(message, &mut self.bytes)?)
    }

    async fn flush<W: AsyncWrite + Unpin>(&mut self, io: &mut W) -> Result<()> {
        while !self.bytes.is_empty() {
            let n = io.write(&self.bytes).await?;
            if n == 0 {
                return Err(io::Error::from(io::ErrorKind::WriteZero).into());
            }
            self.bytes.advance(n);
        }
        Ok(io.flush().await?)
    }
}

impl From<WireError> for TransportError {
    fn from(err: WireError) -> Self {
        match err.fault() {
            Fault::Bytes => Self::Malformed(Box::new(err)),
            Fault::Us => Self::Internal(err.to_string()),
            Fault::World => Self::Io(io::Error::other(err)),
        }
    }
}

#[cfg(test)]
mod tests;
