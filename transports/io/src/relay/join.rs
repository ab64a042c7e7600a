//! The future that drives both directions of a relay and then closes both ends.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    task::coop,
    time::{Instant, Sleep, sleep_until},
};

use super::{
    End, Path, Relayed, Relaying, Side,
    close::Closing,
    pump::{Finish, Pump, Step},
    record::Record,
};
use crate::{FastPath, FastPaths, Meter, Stream, stream::Carrier};

/// How long an end may accept no byte of what is left for it after the other end closed, once to
/// twice: the time that yamux, under upstream, gives a stream for this (`StreamCloseTimeout`).
const STALLED: Duration = Duration::from_secs(300);

/// How long closing takes at most, once everything from the ended side is delivered: enough for a
/// slow line to answer a FIN. Upstream does not wait for that at all.
const CLOSE: Duration = Duration::from_secs(5);

/// Bytes still passed towards the side that ended, if they wait already: a full receive buffer
/// (the third number of Linux' `tcp_rmem`, 6 MiB) or window (6 MiB, protocol 2.2).
const WAITING: u64 = 6 << 20;

/// Two streams being joined.
pub(super) struct Join<'a> {
    how: &'a Relaying,
    meter: Option<Arc<Meter>>,
    user: Carrier,
    work: Carrier,
    to_work: Pump,
    to_user: Pump,
    ended: Option<Ended>,
    /// Exists only while there is something to time.
    timer: Option<Pin<Box<Sleep>>>,
    /// When the last byte moved; kept only while that is timed.
    progress: Option<Instant>,
    /// The side that had ended when bytes from it were found to be stuck.
    cut_off: Option<Side>,
    /// What the access log will say, if there is one.
    record: Option<Box<Record>>,
}

/// One direction is done; both ends are being closed.
struct Ended {
    end: Option<End>,
    /// The source of the direction that is done; its other end gets a FIN first.
    side: Side,
    /// Bytes that may still go to `side`; 0 when nothing more goes there.
    waiting: u64,
    /// Whether the other end broke: then these bytes are its last, and `side` gets all of them.
    broke: bool,
    user: Closing,
    work: Closing,
}

impl<'a> Join<'a> {
    pub(super) fn new(user: Stream, work: Stream, how: &'a Relaying) -> Self {
        let meter = how.meter.clone().or_else(|| user.meter.clone());
        let record = Record::begin(&user, &work);
        let mut paths = how.fast_paths;
        let (from_user, user) = parts(user, paths);
        let (from_work, work) = parts(work, paths);
        if !matches!((&user, &work), (Carrier::Tcp(_), Carrier::Tcp(_))) {
            paths = paths.without(FastPath::Splice);
        }
        Self {
            how,
            meter,
            user,
            work,
            to_work: Pump::new(from_user, paths),
            to_user: Pump::new(from_work, paths),
            ended: None,
            timer: None,
            progress: None,
            cut_off: None,
            record,
        }
    }

    /// Moves bytes both ways until one direction is done.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        let before = self.moved();
        if let Step::Done(finish) = self.to_work.poll(cx, &mut self.user, &mut self.work) {
            return Poll::Ready(Ended::new(finish, Side::User, Side::Work));
        }
        if let Step::Done(finish) = self.to_user.poll(cx, &mut self.work, &mut self.user) {
            return Poll::Ready(Ended::new(finish, Side::Work, Side::User));
        }
        let moved = self.moved() != before;
        self.poll_quiet(cx, moved)
    }

    /// Watches for a relay that is idle, or whose last bytes nobody accepts.
    fn poll_quiet(&mut self, cx: &mut Context<'_>, moved: bool) -> Poll<Ended> {
        let stuck = self.to_work.is_stuck() || self.to_user.is_stuck();
        let stalled = if stuck { Some(STALLED) } else { None };
        let Some(allowed) = [self.how.idle, stalled].into_iter().flatten().min() else {
            self.progress = None;
            self.timer = None;
            return Poll::Pending;
        };
        let now = Instant::now();
        if moved {
            self.progress = None;
            self.cut_off = None;
        }
        let since = *self.progress.get_or_insert(now);
        // The timer is not moved with every byte: when it fires, it looks whether any came.
        let due = since + allowed;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if due < timer.deadline() {
            timer.as_mut().reset(due);
        }
        while timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            if now < due {
                timer.as_mut().reset(due);
            } else if self.how.idle.is_some_and(|idle| now >= since + idle) {
                return Poll::Ready(Ended::at_once(End::Idle, Side::User));
            } else {
                return self.poll_stalled(cx, now);
            }
        }
        Poll::Pending
    }

    /// Nobody accepts the bytes in flight: ends the relay if their source ended that long ago.
    fn poll_stalled(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<Ended> {
        let side = if self.to_work.is_cut_off(cx, &self.user) {
            Some(Side::User)
        } else if self.to_user.is_cut_off(cx, &self.work) {
            Some(Side::Work)
        } else {
            None
        };
        match (self.cut_off, side) {
            (Some(_), Some(side)) => Poll::Ready(Ended::at_once(End::Eof(side), side)),
            (_, side) => {
                // It may have ended just now; ask again after the same time.
                self.cut_off = side;
                self.progress = Some(now);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    /// Sends the FINs and what already waits for the side that ended.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(ended) = &mut self.ended else {
            return Poll::Ready(());
        };
        let (pump, from, to, first, last) = match ended.side {
            Side::User => (
                &mut self.to_user,
                &mut self.work,
                &mut self.user,
                &mut ended.work,
                &mut ended.user,
            ),
            Side::Work => (
                &mut self.to_work,
                &mut self.user,
                &mut self.work,
                &mut ended.user,
                &mut ended.work,
            ),
        };
        let mut timed_anew = false;
        if ended.waiting > 0 {
            let (before, stuck) = (pump.moved(), pump.is_stuck());
            let over = match pump.poll(cx, from, to) {
                // Without budget, tokio says that nothing waits whatever is there. And a broken
                // end comes to its end by itself, which tokio may not have heard of yet.
                Step::Waiting => coop::has_budget_remaining() && !ended.broke,
                Step::Done(_) => true,
                Step::Blocked | Step::Turn => false,
            };
            let moved = pump.moved().saturating_sub(before);
            timed_anew = ended.broke && (over || moved > 0 || stuck != pump.is_stuck());
            if over {
                ended.waiting = 0;
                ended.broke = false;
            } else {
                ended.waiting = ended.waiting.saturating_sub(moved);
            }
        }
        let drained = ended.waiting == 0;
        let first = first.poll(cx, from, drained);
        let last = if drained {
            last.poll(cx, to, true)
        } else {
            Poll::Pending
        };
        if first.is_ready() && last.is_ready() {
            return Poll::Ready(());
        }
        if timed_anew {
            self.timer = None;
        }
        let allowed = if ended.broke && pump.is_stuck() {
            STALLED
        } else {
            CLOSE
        };
        self.timer
            .get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + allowed)))
            .as_mut()
            .poll(cx)
    }

    const fn moved(&self) -> (u64, u64) {
        (self.to_work.moved(), self.to_user.moved())
    }

    /// Adds what moved since `before` to the meter.
    fn count(&self, before: (u64, u64)) {
        if let Some(meter) = &self.meter {
            let now = self.moved();
            if now.0 != before.0 {
                meter.add_in(now.0.saturating_sub(before.0));
            }
            if now.1 != before.1 {
                meter.add_out(now.1.saturating_sub(before.1));
            }
        }
    }

    fn report(&mut self) -> Relayed {
        let path = if self.to_work.spliced() || self.to_user.spliced() {
            Path::Splice
        } else if let (Carrier::Chunks(_), _) | (_, Carrier::Chunks(_)) = (&self.user, &self.work) {
            Path::Chunks
        } else {
            Path::Copy
        };
        let done = Relayed {
            to_work: self.to_work.moved(),
            to_user: self.to_user.moved(),
            path,
            end: self
                .ended
                .as_mut()
                .and_then(|ended| ended.end.take())
                .unwrap_or(End::Idle),
        };
        done.count();
        if let Some(record) = self.record.take() {
            record.end(&done);
        }
        done
    }
}

impl Drop for Join<'_> {
    fn drop(&mut self) {
        if let Some(record) = self.record.take() {
            record.broken_off(self.moved());
        }
    }
}

impl Future for Join<'_> {
    type Output = Relayed;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Relayed> {
        let this = &mut *self;
        let before = this.moved();
        if this.ended.is_none()
            && let Poll::Ready(ended) = this.poll_open(cx)
        {
            this.ended = Some(ended);
            // From here on the only thing timed is the closing.
            this.timer = None;
        }
        let closed = if this.ended.is_some() {
            this.poll_close(cx)
        } else {
            Poll::Pending
        };
        this.count(before);
        closed.map(|()| this.report())
    }
}

impl Ended {
    /// The direction from `source` to `sink` is done.
    fn new(finish: Finish, source: Side, sink: Side) -> Self {
        let (end, broke) = match finish {
            Finish::Eof => (End::Eof(source), false),
            Finish::ReadFailed(e) => (End::Reset(source, e), false),
            Finish::WriteFailed(e) => (End::Reset(sink, e), true),
        };
        Self {
            waiting: if broke { u64::MAX } else { WAITING },
            broke,
            ..Self::at_once(end, source)
        }
    }

    /// Neither direction goes on.
    const fn at_once(end: End, side: Side) -> Self {
        Self {
            end: Some(end),
            side,
            waiting: 0,
            broke: false,
            user: Closing::new(),
            work: Closing::new(),
        }
    }
}

fn parts(stream: Stream, paths: FastPaths) -> (Bytes, Carrier) {
    let carrier = match stream.carrier {
        Carrier::Chunks(io) if !paths.takes(FastPath::Chunks) => Carrier::Other(io),
        carrier => carrier,
    };
    (stream.prefix, carrier)
}
