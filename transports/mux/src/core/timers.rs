//! All deadlines of a session in one place, so that a stream has no timer of its own.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;

use super::{Clock, Core, entry::Phase};
use crate::{
    MuxConfig, MuxError,
    frame::{Flags, Header, Kind},
};

/// A ping of ours that is not answered yet.
#[derive(Debug)]
struct Ping {
    value: u32,
    /// Where it stands in the output.
    mark: u64,
    asked: Instant,
    deadline: Instant,
}

/// The deadlines of a session.
#[derive(Debug)]
pub(crate) struct Timers {
    streams: BTreeSet<(Instant, u32)>,
    next_ping: Option<Instant>,
    ping: Option<Ping>,
    last_value: u32,
    /// How long the last answered ping took.
    round_trip: Option<Duration>,
    /// When the output last moved or began to wait.
    moved: Option<Instant>,
}

impl Timers {
    pub(crate) fn new(config: &MuxConfig, now: Instant) -> Self {
        Self {
            streams: BTreeSet::new(),
            next_ping: config.keepalive.map(|every| now + every),
            ping: None,
            last_value: 0,
            round_trip: None,
            moved: None,
        }
    }

    pub(crate) fn arm(&mut self, id: u32, slot: &mut Option<Instant>, at: Instant) {
        self.disarm(id, slot);
        *slot = Some(at);
        self.streams.insert((at, id));
    }

    pub(crate) fn disarm(&mut self, id: u32, slot: &mut Option<Instant>) {
        if let Some(at) = slot.take() {
            self.streams.remove(&(at, id));
        }
    }

    pub(crate) fn on_pong(&mut self, value: u32, now: Instant) {
        if let Some(ping) = self.ping.take_if(|ping| ping.value == value) {
            self.round_trip = Some(now.duration_since(ping.asked));
        }
    }
}

impl Core {
    /// How long the peer took to answer our last ping.
    #[must_use]
    pub const fn round_trip(&self) -> Option<Duration> {
        self.timers.round_trip
    }

    /// How often the transport yielded something.
    #[must_use]
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// The output began to wait for the transport, or moved and still waits.
    pub fn output_waits(&mut self, now: Instant) {
        self.timers.moved = Some(now);
        self.pace.full(now, self.out.sent());
    }

    /// The transport took everything.
    pub fn output_flows(&mut self, clock: Clock) {
        self.timers.moved = None;
        self.pace.empty(clock, self.out.sent());
    }

    /// When [`on_time`](Self::on_time) has to be called, at the latest.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let stalled = self.timers.moved.map(|at| at + self.config.write_timeout);
        [
            self.timers.streams.first().map(|(at, _)| *at),
            self.timers.next_ping,
            self.timers.ping.as_ref().map(|p| p.deadline),
            stalled,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Does what is due at `now`: pings, and the ends of streams and of the session.
    pub fn on_time(&mut self, now: Instant) {
        if self.end.is_some() {
            return;
        }
        let timeout = self.config.write_timeout;
        if self.timers.moved.is_some_and(|at| at + timeout <= now) {
            return self.end(MuxError::WriteTimeout);
        }
        if let Some(ping) = &mut self.timers.ping
            && ping.deadline <= now
        {
            if self.out.has_sent(ping.mark) {
                return self.end(MuxError::KeepaliveTimeout);
            }
            // It has not left us: then the write timeout is what decides.
            ping.deadline = now + timeout;
        }
        self.keepalive(now);
        while let Some((at, id)) = self.timers.streams.first().copied()
            && at <= now
        {
            self.timers.streams.pop_first();
            if !self.stream_is_late(id, now) {
                return self.end(MuxError::OpenTimeout(id));
            }
        }
    }

    /// The open of stream `id` is complete, or does not matter any more.
    pub(super) fn opened(&mut self, id: u32) {
        let Some(entry) = self.streams.get_mut(&id) else {
            return;
        };
        self.timers.disarm(id, &mut entry.deadline);
        if !std::mem::replace(&mut entry.acked, true) {
            self.unacked = self.unacked.saturating_sub(1);
            self.signals.slots += 1;
        }
    }

    /// Gives the peer its time to finish stream `id`, which we have finished.
    pub(super) fn await_close(&mut self, id: u32, now: Instant) {
        if let Some(entry) = self.streams.get_mut(&id) {
            entry.received = 0;
            let at = now + self.config.close_timeout;
            self.timers.arm(id, &mut entry.deadline, at);
        }
    }

    fn keepalive(&mut self, now: Instant) {
        let (Some(every), Some(at)) = (self.config.keepalive, self.timers.next_ping) else {
            return;
        };
        if at > now {
            return;
        }
        self.timers.next_ping = Some(now + every.max(SHORTEST_INTERVAL));
        if self.timers.ping.is_some() {
            return;
        }
        self.timers.last_value = self.timers.last_value.wrapping_add(1);
        let value = self.timers.last_value;
        self.out
            .stage(Header::new(Kind::Ping, Flags::SYN, 0, value));
        self.timers.ping = Some(Ping {
            value,
            mark: self.out.mark(),
            asked: now,
            deadline: now + self.config.write_timeout,
        });
    }

    /// The timer of a stream ran out; `false` when that ends the session.
    fn stream_is_late(&mut self, id: u32, now: Instant) -> bool {
        let Some(entry) = self.streams.get_mut(&id) else {
            return true;
        };
        entry.deadline = None;
        if !entry.acked {
            return false;
        }
        let downloads = entry.held && std::mem::take(&mut entry.received) > 0;
        if downloads && entry.phase == Phase::LocalDone {
            self.await_close(id, now);
        } else if entry.phase == Phase::LocalDone {
            self.reset(id);
        }
        true
    }
}

/// A keepalive of zero in the configuration must not become a busy loop.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);
