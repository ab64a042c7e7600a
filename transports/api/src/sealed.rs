//! A stream that encrypts, whichever its cipher: ciphertext on its way out is the same for all.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use culvert_io::{Buffer, Io, Stream};
use culvert_wire::WireError;
use tokio::io::AsyncWrite;

/// What seals bytes on their way out.
pub(crate) trait Seal: Unpin {
    /// Seals as much of `bufs` as one buffer takes; answers how much that is, too.
    ///
    /// # Errors
    /// The cipher has sealed all that it may.
    fn seal(&mut self, bufs: &[IoSlice<'_>]) -> Result<(Sealed, usize), WireError>;
}

/// A stream over `S` whose bytes `C` hides.
///
/// A write is sealed at once and counts as taken even while the stream below takes only a part of
/// it: flush before waiting for an answer.
pub(crate) struct SealedStream<C, S = Stream> {
    pub(crate) inner: S,
    pub(crate) cipher: C,
    pub(crate) pending: Option<Sealed>,
}

impl<C: Seal, S: Io> SealedStream<C, S> {
    /// Hides what passes over `inner`.
    pub(crate) const fn over(inner: S, cipher: C) -> Self {
        Self {
            inner,
            cipher,
            pending: None,
        }
    }

    /// Sends what is pending until nothing of it is left; the buffer goes back to the pool then.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(sealed) = &mut self.pending {
            let rest = sealed.buffer.payload().get(sealed.sent..sealed.filled);
            let rest = rest.unwrap_or_default();
            if rest.is_empty() {
                self.pending = None;
                break;
            }
            let n = ready!(Pin::new(&mut self.inner).poll_write(cx, rest))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            sealed.sent += n;
        }
        Poll::Ready(Ok(()))
    }
}

impl<C: Seal, S: Io> AsyncWrite for SealedStream<C, S> {
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
        let (sealed, n) = self.cipher.seal(bufs).map_err(broken)?;
        self.pending = Some(sealed);
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

pub(crate) fn broken(error: WireError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Ciphertext that still has to leave; it must not be made again, the cipher has moved on.
pub(crate) struct Sealed {
    buffer: Buffer,
    sent: usize,
    filled: usize,
}

impl Sealed {
    /// The first `filled` bytes of the payload of `buffer`.
    pub(crate) const fn new(buffer: Buffer, filled: usize) -> Self {
        Self {
            buffer,
            sent: 0,
            filled,
        }
    }
}

/// Copies what fits of `bytes` to `room` from `at` on; answers how much that was.
pub(crate) fn put(room: &mut [u8], at: usize, bytes: &[u8]) -> usize {
    let room = room.get_mut(at..).unwrap_or_default();
    let n = room.len().min(bytes.len());
    if let (Some(room), Some(bytes)) = (room.get_mut(..n), bytes.get(..n)) {
        room.copy_from_slice(bytes);
    }
    n
}
