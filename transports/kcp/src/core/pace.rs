//! How much may be on its way, and when the next segment may leave.
//!
//! Upstream turns congestion control off (protocol 2.4, `nc`): whatever the windows allow leaves at
//! once, and a queue that is shorter than that overflows. The peer sees no difference when we send
//! what the path takes, at the pace at which it takes it.

use std::time::Duration;

use culvert_transport::{Bbr, Habits};

use super::MSS;

/// Bytes that may leave within one millisecond. More at once overflow the receive buffers that
/// systems give by default (Linux: 208 KiB, some 180 datagrams).
const BURST: u64 = 128 * FULL;
/// Bytes that may always leave at once, as in TCP (RFC 6928).
const LEAST: u64 = 10 * FULL;
/// Milliseconds of sending that may be caught up on: timers fire late.
const CATCH_UP: u64 = 4;
/// Milliseconds of sending that may wait for their turn: what is here, nobody overtakes.
const UNSENT: u64 = 10;
/// The same in bytes, whatever the path.
const UNSENT_BYTES: (u64, u64) = (16 * FULL, 64 * FULL);
const FULL: u64 = MSS as u64;

const HABITS: Habits = Habits {
    // A batch of datagrams that a busy receiver answers at once.
    bundle: Duration::from_millis(5),
    // Times are whole milliseconds here, and upstream acknowledges on a tick of 20, so after 10 on
    // average. On loopback a window for this time is not felt (measured).
    least_trip: Duration::from_millis(10),
    // Who chooses KCP expects a path to lose much, and parity makes up for it.
    heavy: 4,
};

/// The pace of one direction. Times are milliseconds.
#[derive(Debug)]
pub(super) struct Pace {
    bbr: Bbr,
    /// Bytes that may leave now, as of then.
    credit: u64,
    at: u64,
    /// When what had to wait may leave.
    next_at: Option<u64>,
    /// The path, not a lack of bytes or of the peer's window, held segments back.
    full: bool,
}

const fn at(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

impl Pace {
    pub(super) fn new(now: u64) -> Self {
        Self {
            bbr: Bbr::new(at(now), FULL, HABITS),
            credit: BURST,
            at: now,
            next_at: None,
            full: false,
        }
    }

    /// Sending begins anew: nothing has been held back yet.
    pub(super) const fn begin(&mut self) {
        self.next_at = None;
        self.full = false;
    }

    /// Whether so many bytes may be on their way.
    pub(super) const fn has_room(&mut self, in_flight: u64) -> bool {
        self.full = in_flight > self.bbr.window();
        !self.full
    }

    /// Bytes that may wait for their turn.
    pub(super) fn unsent(&self) -> u64 {
        let (least, most) = UNSENT_BYTES;
        let rate = self.bbr.rate().unwrap_or(u64::MAX);
        (rate / 1000).saturating_mul(UNSENT).clamp(least, most)
    }

    /// Bytes that leave in a millisecond: a quarter faster than the window asks for, so that it is
    /// the window that counts.
    fn per_ms(&self) -> u64 {
        let trip = self.bbr.shortest().unwrap_or_default();
        if trip <= HABITS.least_trip {
            return BURST;
        }
        let trip = u64::try_from(trip.as_millis()).unwrap_or(u64::MAX);
        (self.bbr.window() * 5 / 4 / trip).clamp(1, BURST)
    }

    /// Whether a segment with so many bytes may leave now; if so, it does.
    pub(super) fn take(&mut self, now: u64, bytes: u64) -> bool {
        let per_ms = self.per_ms();
        let passed = now.saturating_sub(self.at).min(CATCH_UP);
        self.at = now;
        let most = (per_ms * CATCH_UP).clamp(LEAST, BURST);
        self.credit = (self.credit + per_ms * passed).min(most);
        let Some(left) = self.credit.checked_sub(bytes) else {
            let wait = (bytes - self.credit).div_ceil(per_ms);
            self.next_at = Some(now + wait);
            self.full = true;
            return false;
        };
        self.credit = left;
        self.bbr.on_sent(at(now));
        true
    }

    /// When segments that were held back may leave.
    pub(super) const fn wake_at(&self) -> Option<u64> {
        self.next_at
    }

    /// So many bytes have arrived; `again` is how long ago they were sent again, if they were. Those
    /// that arrive sooner after that than anything can had not been lost.
    pub(super) fn arrived(&mut self, now: u64, bytes: u64, again: Option<u64>) {
        self.bbr.on_ack(at(now), None, bytes);
        let least = self.bbr.shortest().unwrap_or_default();
        if again.is_some_and(|ago| at(ago) < least * 3 / 4) {
            self.bbr.on_found(bytes);
        }
    }

    /// The newest segment that a packet acknowledged had left at `sent`. Upstream's windows allow
    /// `most` bytes on their way.
    pub(super) fn acknowledged(&mut self, now: u64, sent: u64, in_flight: u64, most: u64) {
        self.bbr.on_ack(at(now), Some(at(sent)), 0);
        // What waits is so little that it is often gone by the time that more comes.
        let limited = !self.full && in_flight < self.bbr.window().min(most) / 4 * 3;
        self.bbr.on_end_acks(at(now), in_flight, limited);
    }

    /// So many bytes have to be sent again.
    pub(super) const fn lost(&mut self, bytes: u64) {
        self.bbr.on_lost(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pace on a path with this round trip that has delivered 100 segments in each.
    fn known(trip: u64) -> (Pace, u64) {
        let (mut pace, mut now) = (Pace::new(0), 0);
        for _ in 0..20 {
            let sent = now;
            for _ in 0..10 {
                pace.take(now, FULL);
            }
            now += trip;
            pace.arrived(now, 100 * FULL, None);
            pace.acknowledged(now, sent, 0, u64::MAX);
        }
        (pace, now)
    }

    #[test]
    fn a_long_path_gets_segments_evenly() {
        let (mut pace, begun) = known(200);
        let window = pace.bbr.window();
        let mut sent = 0;
        for now in begun + 1_000..begun + 1_100 {
            let mut at_once = 0;
            while pace.take(now, FULL) {
                at_once += FULL;
            }
            assert!(at_once <= LEAST, "{at_once}");
            assert_eq!(pace.wake_at().map(|at| at > now), Some(true));
            sent += at_once;
        }
        let even = window * 5 / 4 / 2;
        assert!(sent <= even + LEAST, "{sent} of {even}");
        assert!(sent >= even * 9 / 10, "{sent} of {even}");
    }

    #[test]
    fn a_short_path_gets_bursts() {
        let (mut pace, begun) = known(1);
        for now in begun + 1..begun + 10 {
            let mut at_once = 0;
            while pace.take(now, FULL) {
                at_once += FULL;
            }
            assert_eq!(at_once, BURST);
        }
    }
}
