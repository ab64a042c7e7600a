//! A stream whose bytes are hidden and authenticated: control channels of wire version 2.

use std::{
    fmt,
    io::{self, IoSlice},
    ops::Range,
    pin::Pin,
    task::{Context, Poll, ready},
};

use culvert_io::{Buffer, Io, Stream};
use culvert_wire::{
    WireError,
    limits::{RECORD_HEADER, RECORD_PLAIN, RECORD_TAG},
    v2::{AeadKeys, NONCE, Opener, Sealer},
};
use tokio::io::{AsyncRead, ReadBuf};

use crate::sealed::{Seal, Sealed, SealedStream, broken, put};

/// Records in both directions over `S` (protocol 4.4).
///
/// The nonce of our direction leaves right before our first byte. A write becomes one record; flush
/// before waiting for an answer. An end between two records is an end of file, which nothing
/// authenticates; one inside a record is an error, and so is a record that was changed.
pub(crate) type AeadStream<S = Stream> = SealedStream<Aead, S>;

/// Records in both directions.
pub(crate) struct Aead {
    sealer: Sealer,
    opener: Opener,
    held: Option<Held>,
}

/// What has been read and not been delivered; without any, no buffer is kept.
struct Held {
    buffer: Buffer,
    /// Plain bytes, of the last record that was opened.
    plain: Range<usize>,
    /// Bytes behind it that have not been opened.
    raw: Range<usize>,
}

impl Held {
    fn new() -> Self {
        Self {
            buffer: Buffer::small(),
            plain: 0..0,
            raw: 0..0,
        }
    }

    /// Opens the next record, or the nonce; `false` when more bytes are needed.
    fn open(&mut self, opener: &mut Opener) -> Result<bool, WireError> {
        let raw = self.raw.clone();
        let bytes = self.buffer.payload_mut().get_mut(raw).unwrap_or_default();
        let Some(opened) = opener.open(bytes)? else {
            return Ok(false);
        };
        let at = self.raw.start;
        self.plain = at + opened.plain.start..at + opened.plain.end;
        self.raw.start += opened.taken;
        Ok(true)
    }

    /// Makes room for all that the opener needs next; must not be called while plain bytes wait.
    fn make_room(&mut self, opener: &Opener) -> Result<(), WireError> {
        let raw = self.raw.clone();
        let bytes = self.buffer.payload().get(raw.clone()).unwrap_or_default();
        let needed = opener.needed(bytes)?;
        if raw.start + needed <= self.buffer.payload().len() {
            return Ok(());
        }
        if needed <= self.buffer.payload().len() {
            self.buffer.payload_mut().copy_within(raw.clone(), 0);
        } else {
            let mut larger = Buffer::large();
            put(larger.payload_mut(), 0, bytes);
            self.buffer = larger;
        }
        self.plain = 0..0;
        self.raw = 0..raw.len();
        Ok(())
    }

    fn poll_fill<S: Io>(&mut self, from: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let room = self.buffer.payload_mut().get_mut(self.raw.end..);
        let mut room = ReadBuf::new(room.unwrap_or_default());
        ready!(Pin::new(from).poll_read(cx, &mut room))?;
        let n = room.filled().len();
        self.raw.end += n;
        Poll::Ready(Ok(n))
    }

    /// Moves plain bytes to `buf`; answers whether there were any.
    fn deliver(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let n = self.plain.len().min(buf.remaining());
        let end = self.plain.start + n;
        let bytes = self.buffer.payload().get(self.plain.start..end);
        buf.put_slice(bytes.unwrap_or_default());
        self.plain.start = end;
        n > 0
    }

    fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.raw.is_empty()
    }
}

impl<S: Io> AeadStream<S> {
    /// Hides what passes over `inner` behind `keys`.
    ///
    /// # Errors
    /// The system gives no randomness for the nonce.
    pub(crate) fn new(inner: S, keys: &AeadKeys) -> Result<Self, WireError> {
        let cipher = Aead {
            sealer: keys.sealer()?,
            opener: keys.opener(),
            held: None,
        };
        Ok(Self::over(inner, cipher))
    }
}

impl Seal for Aead {
    fn seal(&mut self, bufs: &[IoSlice<'_>]) -> Result<(Sealed, usize), WireError> {
        let total: usize = bufs.iter().map(|b| b.len()).sum();
        let mut buffer = if total + NONCE + Sealer::OVERHEAD <= Buffer::SMALL {
            Buffer::small()
        } else {
            Buffer::large()
        };
        let room = buffer.payload_mut();
        let start = put(room, 0, self.sealer.take_nonce().unwrap_or_default());
        let mut plain = 0;
        for slice in bufs {
            let fits = slice.len().min(RECORD_PLAIN.saturating_sub(plain));
            let slice = slice.get(..fits).unwrap_or_default();
            plain += put(room, start + RECORD_HEADER + plain, slice);
        }
        let end = start + RECORD_HEADER + plain + RECORD_TAG;
        let record = room.get_mut(start..end).unwrap_or_default();
        self.sealer.seal(record)?;
        Ok((Sealed::new(buffer, end), plain))
    }
}

impl<S: Io> AeadStream<S> {
    fn poll_plain(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let cipher = &mut self.cipher;
        loop {
            let held = cipher.held.get_or_insert_with(Held::new);
            if held.deliver(buf) {
                return Poll::Ready(Ok(()));
            }
            if held.open(&mut cipher.opener).map_err(broken)? {
                continue;
            }
            held.make_room(&cipher.opener).map_err(broken)?;
            if ready!(held.poll_fill(&mut self.inner, cx))? == 0 {
                return Poll::Ready(match held.raw.is_empty() {
                    true => Ok(()),
                    false => Err(io::ErrorKind::UnexpectedEof.into()),
                });
            }
        }
    }
}

impl<S: Io> AsyncRead for AeadStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let read = self.poll_plain(cx, buf);
        // An idle stream gives its buffer back.
        if self.cipher.held.as_ref().is_some_and(Held::is_empty) {
            self.cipher.held = None;
        }
        read
    }
}

impl<S> fmt::Debug for AeadStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AeadStream")
            .field("sealer", &self.cipher.sealer)
            .field("opener", &self.cipher.opener)
            .field("pending", &self.pending.is_some())
            .field("held", &self.cipher.held.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
