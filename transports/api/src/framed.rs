//! Speak: messages on a stream, one at a time, without taking a byte that is not theirs.

use std::{io, time::Duration};

use bytes::{Buf, BufMut, BytesMut};
use culvert_io::Stream;
use culvert_wire::{Body, Codec, Fault, Key, Message, WireError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};

use crate::{CryptStream, Result, TransportError};

/// Bytes that a buffered reader asks for at once: a burst of control messages in one read.
const READ_AHEAD: usize = 4096;

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

    /// The next message, or `None` when the peer ended the stream between two messages.
    ///
    /// *Cancel safety*: safe.
    ///
    /// # Errors
    /// The peer's bytes are no message, it ended inside one, or the stream failed.
    pub async fn next(&mut self) -> Result<Option<Message>> {
        self.input.next(&mut self.stream).await
    }

    /// The one message that may follow here, within `limit`; `what` names it in the error.
    /// Version 1 does not compare the type byte then (protocol 3.1).
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

    /// Sends what is queued.
    ///
    /// *Cancel safety*: safe; what is left stays queued.
    ///
    /// # Errors
    /// The stream failed.
    pub async fn flush(&mut self) -> Result<()> {
        self.output.flush(&mut self.stream).await
    }

    /// Puts the v1 control cipher under the messages that follow, in both directions, and reads
    /// ahead from now on (protocol 3.5). What was queued must have been flushed before.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn encrypt(self, key: &Key) -> Result<Self> {
        let codec = self.input.codec;
        let stream = self.into_stream();
        let peer = *stream.peer();
        let crypt = Stream::new(CryptStream::new(stream, key)?, peer);
        Ok(Self::new(crypt, codec).buffered())
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
        loop {
            if let Some(message) = self.codec.decode(&mut self.bytes)? {
                return Ok(Some(message));
            }
            if !self.fill(io).await? {
                return Ok(None);
            }
        }
    }

    async fn next_as<T: Body, R: AsyncRead + Unpin>(
        &mut self,
        io: &mut R,
        what: &str,
    ) -> Result<T> {
        loop {
            if let Some(message) = self.codec.decode_as(&mut self.bytes)? {
                return Ok(message);
            }
            if !self.fill(io).await? {
                return Err(TransportError::Closed(format!("no {what} came")));
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
        self.bytes.reserve(room);
        let n = io.read_buf(&mut (&mut self.bytes).limit(room)).await?;
        if n == 0 && !self.bytes.is_empty() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(n > 0)
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
