//! One direction of a relay: fetch bytes from the source, deliver them to the sink.

mod deliver;
mod fetch;

use std::{
    future::Future,
    io, mem,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::io::Interest;

use super::held::Held;
use crate::{FastPath, FastPaths, stream::Carrier};

/// Full reads after which a direction counts as bulk: then it is spliced, or read in large pieces.
/// Measured: three keep a round trip as cheap as plain copying and cost bulk nothing.
const FULL_READS: u16 = 3;

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
    paths: FastPaths,
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
    /// A direction that begins with bytes that were read ahead. Only two TCP sockets splice.
    pub(super) fn new(prefix: Bytes, paths: FastPaths) -> Self {
        Self {
            held: Held::Slice(prefix),
            source: Source::Live,
            room: 0,
            moved: 0,
            full: 0,
            splice_from: full_reads(paths, FastPath::Splice),
            splicing: if paths.takes(FastPath::Splice) {
                Splicing::Allowed
            } else {
                Splicing::Never
            },
            paths,
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
        // Nothing is fetched for a sink that has no room for it.
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

/// Full reads after which a direction that takes `path` does so.
const fn full_reads(paths: FastPaths, path: FastPath) -> u16 {
    if paths.forces(path) { 0 } else { FULL_READS }
}

/// Not ready after all, or interrupted by a signal.
fn is_retry(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
