//! The stream that compresses what is written and decompresses what is read, nothing held back.

use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BytesMut};
use culvert_io::{Buffer, Io};
use culvert_wire::{SnappyDecoder, SnappyEncoder, limits::SNAPPY_PLAIN};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes asked of the carrier at a time. With a chunk that is not yet whole and a decompressed
/// block this bounds a stream whose reader is slow to about 200 KiB.
const LANDING: usize = 64 * 1024;

/// A stream in snappy framing over `S` (protocol 5.1).
///
/// Every write becomes one whole chunk, which goes to the carrier at once; only what the carrier
/// refuses waits here, for the next write or flush. A read that ends inside a chunk is an error of
/// kind `UnexpectedEof`, bytes that are not in the format one of kind `InvalidData`.
pub struct SnappyStream<S> {
    carrier: S,
    writing: Writing,
    reading: Reading,
}

#[derive(Default)]
struct Writing {
    encoder: SnappyEncoder,
    /// Chunks that the carrier has not taken yet.
    refused: BytesMut,
}

#[derive(Default)]
struct Reading {
    decoder: SnappyDecoder,
    /// Compressed bytes: less than a chunk, or more while `plain` is not empty.
    packed: BytesMut,
    /// Bytes for our reader.
    plain: BytesMut,
    ended: Ended,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Ended {
    #[default]
    No,
    Cleanly,
    InsideChunk,
    Malformed,
}

impl<S: Io> SnappyStream<S> {
    /// Compresses both directions of `carrier`; a direction without bytes puts none on it.
    pub fn new(carrier: S) -> Self {
        Self {
            carrier,
            writing: Writing::default(),
            reading: Reading::default(),
        }
    }

    /// Hands refused chunks to the carrier until it has them all.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let refused = &mut self.writing.refused;
        while !refused.is_empty() {
            let n = ready!(Pin::new(&mut self.carrier).poll_write(cx, refused))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            refused.advance(n);
        }
        release(refused);
        Poll::Ready(Ok(()))
    }

    /// Reads more compressed bytes, or notes the end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Lent for this call only: nothing is held while there is nothing to read.
        let mut lent = Buffer::large();
        let room = lent.payload_mut().get_mut(..LANDING).unwrap_or_default();
        let mut landing = ReadBuf::new(room);
        ready!(Pin::new(&mut self.carrier).poll_read(cx, &mut landing))?;
        let reading = &mut self.reading;
        if landing.filled().is_empty() {
            let border = reading.packed.is_empty() && reading.decoder.at_border();
            reading.ended = if border {
                Ended::Cleanly
            } else {
                Ended::InsideChunk
            };
        } else {
            reading.packed.extend_from_slice(landing.filled());
        }
        Poll::Ready(Ok(()))
    }
}

impl Reading {
    /// Moves plain bytes to the reader, decompressing a block first if there is none.
    ///
    /// `Some` when the read is over, `None` when the carrier has to be asked.
    fn take(&mut self, buf: &mut ReadBuf<'_>) -> Option<io::Result<()>> {
        while self.plain.is_empty() {
            match self.ended {
                Ended::No => {}
                Ended::Cleanly => return Some(Ok(())),
                Ended::InsideChunk => return Some(Err(io::ErrorKind::UnexpectedEof.into())),
                Ended::Malformed => return Some(Err(io::ErrorKind::InvalidData.into())),
            }
            match self.decoder.read(&mut self.packed, &mut self.plain) {
                Ok(more) => {
                    release(&mut self.packed);
                    if !more {
                        return None;
                    }
                }
                Err(error) => {
                    self.ended = Ended::Malformed;
                    return Some(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
                }
            }
        }
        let n = buf.remaining().min(self.plain.len());
        buf.put_slice(self.plain.get(..n).unwrap_or_default());
        self.plain.advance(n);
        release(&mut self.plain);
        Some(Ok(()))
    }
}

/// Frees the memory of a buffer with nothing in it, so that an idle stream holds none.
fn release(buffer: &mut BytesMut) {
    if buffer.is_empty() {
        *buffer = BytesMut::new();
    }
}

impl<S: Io> AsyncRead for SnappyStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            if let Some(done) = self.reading.take(buf) {
                return Poll::Ready(done);
            }
            ready!(self.poll_fill(cx))?;
        }
    }
}

impl<S: Io> AsyncWrite for SnappyStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_drain(cx))?;
        let plain = buf.get(..SNAPPY_PLAIN).unwrap_or(buf);
        let Writing { encoder, refused } = &mut self.writing;
        encoder.write(plain, refused).map_err(io::Error::other)?;
        // The bytes count as written even if the carrier does not take the chunk now.
        match self.poll_drain(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(plain.len())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        Pin::new(&mut self.carrier).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        Pin::new(&mut self.carrier).poll_shutdown(cx)
    }
}

impl<S: fmt::Debug> fmt::Debug for SnappyStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnappyStream")
            .field("carrier", &self.carrier)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
