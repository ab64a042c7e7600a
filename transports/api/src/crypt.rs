//! A stream whose bytes are hidden by the v1 cipher: control channels and `useEncryption`.

use std::{
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use culvert_io::{Buffer, Io, Stream};
use culvert_wire::{CfbDecryptor, CfbEncryptor, Key, WireError, crypt::IV};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::sealed::{Sealed, put};

/// AES-128-CFB in both directions over `S` (protocol 3.5).
///
/// The IV of our direction leaves right before our first byte; the first bytes read are the
/// peer's. A write is encrypted at once and counts as taken even while the stream below takes only
/// a part of it: flush before waiting for an answer. There is no MAC; the end of the stream, also
/// one before the peer's IV, is an end of file.
pub struct CryptStream<S = Stream> {
    inner: S,
    encryptor: CfbEncryptor,
    decryptor: CfbDecryptor,
    pending: Option<Sealed>,
}

impl<S: Io> CryptStream<S> {
    /// Hides what passes over `inner` behind `key`.
    ///
    /// # Errors
    /// The system gives no randomness for the IV.
    pub fn new(inner: S, key: &Key) -> Result<Self, WireError> {
        Ok(Self {
            inner,
            encryptor: CfbEncryptor::new(key)?,
            decryptor: CfbDecryptor::new(key),
            pending: None,
        })
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Sealed::poll_drain(&mut self.pending, &mut self.inner, cx)
    }

    /// Encrypts as much of `bufs` as one buffer takes; answers how much that is.
    fn seal(&mut self, bufs: &[IoSlice<'_>]) -> usize {
        let total: usize = bufs.iter().map(|b| b.len()).sum();
        let mut buffer = if total + IV <= Buffer::SMALL {
            Buffer::small()
        } else {
            Buffer::large()
        };
        let mut at = 0;
        if let Some(iv) = self.encryptor.take_iv() {
            at = put(buffer.payload_mut(), 0, &iv);
        }
        let start = at;
        for slice in bufs {
            at += put(buffer.payload_mut(), at, slice);
        }
        if let Some(plain) = buffer.payload_mut().get_mut(start..at) {
            self.encryptor.seal(plain);
        }
        self.pending = Some(Sealed::new(buffer, at));
        at - start
    }
}

impl<S: Io> AsyncRead for CryptStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        while buf.remaining() > 0 {
            ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
            let end = buf.filled().len();
            if end == before {
                break; // end of file
            }
            let used = match buf.filled_mut().get_mut(before..) {
                Some(fresh) => {
                    let used = this.decryptor.open(fresh);
                    fresh.copy_within(used.., 0);
                    used
                }
                None => 0,
            };
            buf.set_filled(end - used);
            if end - used > before {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Io> AsyncWrite for CryptStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if bufs.iter().all(|b| b.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        ready!(self.poll_drain(cx))?;
        let n = self.seal(bufs);
        match self.poll_drain(cx) {
            Poll::Ready(Err(err)) => Poll::Ready(Err(err)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(n)),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl<S> fmt::Debug for CryptStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CryptStream")
            .field("pending", &self.pending.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
