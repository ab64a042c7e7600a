//! One direction of a relay: fetch bytes from the source, deliver them to the sink.

use std::{
    future::Future,
    io::{self, IoSlice},
    mem,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::{
    io::{Interest, ReadBuf},
    net::TcpStream,
};

use super::{
    held::{Held, SLICES},
    splice::Pipe,
};
use crate::{Buffer, ChunkIo, Io, stream::Carrier};

/// Full reads after which a direction counts as bulk: then it is spliced, or read in large pieces.
/// Measured: three keep a round trip as cheap as plain copying and cost bulk nothing.
const FULL_READS: u16 = 3;

/// A fetch below this ends the bulk treatment: a pipe costs more than it saves there (measured).
const SHORT: usize = 4 * 1024;

/// Full reads to wait before a pipe is asked for again after none could be had: 16 MiB of large
/// reads, so that the refused calls cost nothing to speak of.
const REFUSED: u16 = 64;

/// Bytes after which a direction lets the other tasks of its thread run: about one millisecond of
/// copying, and two full pipes.
const TURN: usize = 2 << 20;

/// Steps after which it does so however few bytes they moved: half of tokio's own budget of 128
/// operations, since a step is up to two.
const STEPS: usize = 64;

/// One direction.
pub(super) struct Pump {
    held: Held,
    source: Source,
    /// What a chunk sink said that it takes, until it is given the buffer that was read for it.
    room: usize,
    /// Bytes delivered so far.
    moved: u64,
    full: u16,
    splice_from: u16,
    splicing: Splicing,
    dirty: bool,
    blocked: bool,
}

/// Whether bytes may stay in the kernel, and did.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Splicing {
    Never,
    Allowed,
    Used,
}

/// Whether more can come.
enum Source {
    Live,
    Ended,
    Failed(io::Error),
}

/// How far a pump came.
pub(super) enum Step {
    /// Everything is delivered and flushed; the source has nothing now.
    Waiting,
    /// The sink takes nothing now.
    Blocked,
    /// Its turn is over; it has woken its task to go on.
    Turn,
    /// It came to its end.
    Done(Finish),
}

/// How a pump came to its end.
pub(super) enum Finish {
    /// The source sent its last byte, and everything was delivered.
    Eof,
    /// The source failed, and everything before that was delivered.
    ReadFailed(io::Error),
    /// The sink failed.
    WriteFailed(io::Error),
}

impl Pump {
    /// A direction that begins with bytes that were read ahead. `splice` only for two TCP sockets.
    pub(super) fn new(prefix: Bytes, splice: bool) -> Self {
        Self {
            held: Held::Slice(prefix),
            source: Source::Live,
            room: 0,
            moved: 0,
            full: 0,
            splice_from: FULL_READS,
            splicing: if splice {
                Splicing::Allowed
            } else {
                Splicing::Never
            },
            dirty: false,
            blocked: false,
        }
    }

    /// Bytes delivered so far.
    pub(super) const fn moved(&self) -> u64 {
        self.moved
    }

    /// Whether bytes went through a kernel pipe.
    pub(super) const fn spliced(&self) -> bool {
        matches!(self.splicing, Splicing::Used)
    }

    /// Whether the source is known to have ended, and its last bytes are still to be delivered.
    const fn is_ending(&self) -> bool {
        !matches!(self.source, Source::Live)
    }

    /// Whether bytes wait for the sink after their source ended. While the sink takes nothing the
    /// source is not read, so its end has to be asked for; a layer above a socket cannot tell.
    pub(super) fn is_cut_off(&self, cx: &mut Context<'_>, from: &Carrier) -> bool {
        if self.is_ending() || !self.blocked {
            return self.is_ending();
        }
        match from {
            Carrier::Chunks(source) => source.is_finished(),
            Carrier::Tcp(source) => {
                let ready = pin!(source.ready(Interest::READABLE)).poll(cx);
                matches!(ready, Poll::Ready(Ok(ready)) if ready.is_read_closed())
            }
            Carrier::Other(_) => false,
        }
    }

    /// Whether the sink is being waited for.
    pub(super) const fn is_stuck(&self) -> bool {
        self.blocked || self.is_ending()
    }

    /// Moves bytes until one side has to be waited for.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Carrier,
        to: &mut Carrier,
    ) -> Step {
        let until = self.moved.saturating_add(TURN as u64);
        for _ in 0..STEPS {
            let step = if self.held.is_empty() {
                self.held = Held::Nothing;
                self.poll_fetch(cx, from, to)
            } else {
                self.poll_deliver(cx, to)
            };
            if let Some(step) = step {
                self.blocked = matches!(step, Step::Blocked);
                return step;
            }
            if self.moved >= until {
                break;
            }
        }
        self.blocked = false;
        cx.waker().wake_by_ref();
        Step::Turn
    }

    /// Fetches once; `None` to go on.
    fn poll_fetch(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Carrier,
        to: &mut Carrier,
    ) -> Option<Step> {
        if self.is_ending() {
            return Some(self.poll_finish(cx, to));
        }
        // Nothing is fetched for a sink that has no room for it. A rate limit would be one more
        // bound on this number.
        let limit = match to {
            Carrier::Chunks(sink) => match sink.poll_room(cx) {
                Poll::Ready(Ok(room)) => room,
                Poll::Ready(Err(e)) => return Some(Step::Done(Finish::WriteFailed(e))),
                Poll::Pending => return Some(Step::Blocked),
            },
            Carrier::Tcp(_) | Carrier::Other(_) => usize::MAX,
        };
        let fetched = match from {
            Carrier::Chunks(source) => self.fetch_chunks(cx, source.as_mut()),
            Carrier::Tcp(source)
                if self.splicing != Splicing::Never && self.full >= self.splice_from =>
            {
                self.fetch_piped(cx, source)
            }
            Carrier::Tcp(source) => self.fetch_read(cx, Pin::new(source), limit, 1),
            Carrier::Other(source) => self.fetch_read(cx, Pin::new(source.as_mut()), limit, STEPS),
        };
        match fetched {
            Poll::Ready(Ok(0)) => self.source = Source::Ended,
            Poll::Ready(Ok(_)) => {}
            Poll::Ready(Err(e)) => self.source = Source::Failed(e),
            Poll::Pending => return Some(self.poll_settle(cx, to)),
        }
        None
    }

    /// Reads up to `times` into one borrowed buffer. A TCP socket is read once, since a short
    /// read has emptied it; layers above sockets yield small pieces, which are gathered.
    fn fetch_read(
        &mut self,
        cx: &mut Context<'_>,
        mut source: Pin<&mut dyn Io>,
        limit: usize,
        times: usize,
    ) -> Poll<io::Result<usize>> {
        let mut buffer = if self.full >= FULL_READS && limit > Buffer::SMALL {
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
    fn fetch_chunks(
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
    fn fetch_piped(
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
    const fn note(&mut self, n: usize, most: usize) {
        if n < SHORT {
            self.full = 0;
            self.splice_from = FULL_READS;
        } else if n == most {
            self.full = self.full.saturating_add(1);
        }
    }

    /// Delivers once; `None` to go on.
    fn poll_deliver(&mut self, cx: &mut Context<'_>, to: &mut Carrier) -> Option<Step> {
        let delivered = match to {
            Carrier::Chunks(sink) => self.deliver_chunk(cx, sink.as_mut()),
            Carrier::Tcp(sink) => {
                if let Held::Piped(pipe) = &mut self.held {
                    deliver_piped(cx, pipe, sink)
                } else {
                    write(cx, &mut self.held, Pin::new(sink))
                }
            }
            Carrier::Other(sink) => {
                self.dirty = true;
                write(cx, &mut self.held, Pin::new(sink.as_mut()))
            }
        };
        match delivered {
            Poll::Pending => Some(Step::Blocked),
            Poll::Ready(Ok(0)) => {
                let e = io::ErrorKind::WriteZero.into();
                Some(Step::Done(Finish::WriteFailed(e)))
            }
            Poll::Ready(Ok(n)) => {
                self.moved = self.moved.saturating_add(n as u64);
                None
            }
            Poll::Ready(Err(e)) => Some(Step::Done(Finish::WriteFailed(e))),
        }
    }

    /// Submits the buffer that was read for this sink as it is; copies everything else into one.
    fn deliver_chunk(
        &mut self,
        cx: &mut Context<'_>,
        sink: &mut dyn ChunkIo,
    ) -> Poll<io::Result<usize>> {
        let room = match mem::take(&mut self.room) {
            0 => ready!(sink.poll_room(cx))?,
            known => known,
        };
        let (buffer, len) = match mem::take(&mut self.held) {
            Held::Lent {
                buffer,
                from: 0,
                to,
            } if to <= room => (buffer, to),
            mut other => {
                let mut buffer = if other.len().min(room) > Buffer::SMALL {
                    Buffer::large()
                } else {
                    Buffer::small()
                };
                let to = buffer.payload_mut();
                let most = to.len().min(room);
                let len = other.take_into(to.get_mut(..most).unwrap_or_default());
                self.held = other;
                (buffer, len)
            }
        };
        sink.submit(buffer, len)?;
        Poll::Ready(Ok(len))
    }

    /// Flushes, because nothing else comes now.
    fn poll_settle(&mut self, cx: &mut Context<'_>, to: &mut Carrier) -> Step {
        if self.dirty {
            match to.io().poll_flush(cx) {
                Poll::Ready(Ok(())) => self.dirty = false,
                Poll::Ready(Err(e)) => return Step::Done(Finish::WriteFailed(e)),
                Poll::Pending => return Step::Blocked,
            }
        }
        Step::Waiting
    }

    /// Flushes the last bytes and says how the source ended.
    fn poll_finish(&mut self, cx: &mut Context<'_>, to: &mut Carrier) -> Step {
        match self.poll_settle(cx, to) {
            Step::Waiting => {}
            step => return step,
        }
        match mem::replace(&mut self.source, Source::Ended) {
            Source::Live | Source::Ended => Step::Done(Finish::Eof),
            Source::Failed(e) => Step::Done(Finish::ReadFailed(e)),
        }
    }
}

fn write(
    cx: &mut Context<'_>,
    held: &mut Held,
    mut sink: Pin<&mut dyn Io>,
) -> Poll<io::Result<usize>> {
    let n = if matches!(held, Held::Slices(_)) {
        let mut slices = [IoSlice::new(&[]); SLICES];
        ready!(
            sink.as_mut()
                .poll_write_vectored(cx, held.slices(&mut slices))
        )?
    } else {
        ready!(sink.as_mut().poll_write(cx, held.first()))?
    };
    held.advance(n);
    Poll::Ready(Ok(n))
}

fn deliver_piped(
    cx: &mut Context<'_>,
    pipe: &mut Pipe,
    sink: &TcpStream,
) -> Poll<io::Result<usize>> {
    loop {
        ready!(sink.poll_write_ready(cx))?;
        match pipe.drain(sink) {
            Err(e) if is_retry(&e) => {}
            done => return Poll::Ready(done),
        }
    }
}

/// Not ready after all, or interrupted by a signal.
fn is_retry(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
