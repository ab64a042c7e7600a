//! The source's side of a pump: what is read, how much of it, and into what.

use std::{
    io, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{io::ReadBuf, net::TcpStream};

use super::{Pump, Source, Splicing, full_reads, is_retry};
use crate::{
    Buffer, ChunkIo, FastPath, Io,
    relay::{
        held::{Held, SLICES},
        splice::Pipe,
    },
};

/// A fetch below this ends the bulk treatment: a pipe costs more than it saves there (measured).
const SHORT: usize = 4 * 1024;

/// Full reads to wait before a pipe is asked for again after none could be had: 16 MiB of large
/// reads, so that the refused calls cost nothing to speak of.
const REFUSED: u16 = 64;

impl Pump {
    /// Reads up to `times` into one borrowed buffer. A TCP socket is read once, since a short
    /// read has emptied it; layers above sockets yield small pieces, which are gathered.
    pub(super) fn fetch_read(
        &mut self,
        cx: &mut Context<'_>,
        mut source: Pin<&mut dyn Io>,
        limit: usize,
        times: usize,
    ) -> Poll<io::Result<usize>> {
        let large = self.full >= full_reads(self.paths, FastPath::Large)
            && self.paths.takes(FastPath::Large);
        let mut buffer = if large && limit > Buffer::SMALL {
            Buffer::large()
        } else {
            Buffer::small()
        };
        let room = buffer.payload_mut();
        let most = room.len().min(limit);
        let mut buf = ReadBuf::new(room.get_mut(..most).unwrap_or_default());
        for _ in 0..times {
            let before = buf.filled().len();
            match source.as_mut().poll_read(cx, &mut buf) {
                Poll::Pending if before == 0 => return Poll::Pending,
                Poll::Ready(Err(e)) if before == 0 => return Poll::Ready(Err(e)),
                Poll::Pending => break,
                Poll::Ready(Err(e)) => {
                    self.source = Source::Failed(e);
                    break;
                }
                Poll::Ready(Ok(())) if buf.filled().len() == before => {
                    self.source = Source::Ended;
                    break;
                }
                Poll::Ready(Ok(())) if buf.remaining() == 0 => break,
                Poll::Ready(Ok(())) => {}
            }
        }
        let n = buf.filled().len();
        self.note(n, most);
        self.room = limit;
        self.held = Held::Lent {
            buffer,
            from: 0,
            to: n,
        };
        Poll::Ready(Ok(n))
    }

    /// Takes the chunks that wait, up to what one vectored write or one large buffer carries.
    pub(super) fn fetch_chunks(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut dyn ChunkIo,
    ) -> Poll<io::Result<usize>> {
        let mut total = 0_usize;
        while total < Buffer::LARGE {
            let chunk = match source.poll_chunk(cx) {
                Poll::Ready(Ok(Some(chunk))) if chunk.is_empty() => continue,
                Poll::Ready(Ok(Some(chunk))) => chunk,
                Poll::Pending if total == 0 => return Poll::Pending,
                Poll::Ready(Err(e)) if total == 0 => return Poll::Ready(Err(e)),
                Poll::Pending => break,
                Poll::Ready(Ok(None)) => {
                    self.source = Source::Ended;
                    break;
                }
                Poll::Ready(Err(e)) => {
                    self.source = Source::Failed(e);
                    break;
                }
            };
            total = total.saturating_add(chunk.len());
            self.held = match mem::take(&mut self.held) {
                Held::Slice(first) => Held::Slices([first, chunk].into()),
                Held::Slices(mut all) => {
                    all.push_back(chunk);
                    if all.len() >= SLICES {
                        self.held = Held::Slices(all);
                        break;
                    }
                    Held::Slices(all)
                }
                Held::Nothing | Held::Lent { .. } | Held::Piped(_) => Held::Slice(chunk),
            };
        }
        Poll::Ready(Ok(total))
    }

    /// Moves what the socket has received into a pipe; copies when no pipe can be had.
    pub(super) fn fetch_piped(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut TcpStream,
    ) -> Poll<io::Result<usize>> {
        let Some(mut pipe) = Pipe::lend() else {
            self.splice_from = self.full.saturating_add(REFUSED);
            return self.fetch_read(cx, Pin::new(source), usize::MAX, 1);
        };
        loop {
            ready!(source.poll_read_ready(cx))?;
            match pipe.fill(source) {
                Ok(n) => {
                    self.note(n, usize::MAX);
                    if n > 0 {
                        self.splicing = Splicing::Used;
                        self.held = Held::Piped(pipe);
                    }
                    return Poll::Ready(Ok(n));
                }
                Err(e) if is_retry(&e) => {}
                // Sockets that cannot be spliced say so before they give a byte.
                Err(e) if e.kind() == io::ErrorKind::InvalidInput => {
                    self.splicing = Splicing::Never;
                    return self.fetch_read(cx, Pin::new(source), usize::MAX, 1);
                }
                Err(e) => return Poll::Ready(Err(e)),
            }
        }
    }

    /// Learns from a fetch whether this direction carries bulk.
    pub(super) const fn note(&mut self, n: usize, most: usize) {
        if n < SHORT {
            self.full = 0;
            self.splice_from = full_reads(self.paths, FastPath::Splice);
        } else if n == most {
            self.full = self.full.saturating_add(1);
        }
    }
}
