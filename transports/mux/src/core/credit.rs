//! Receive windows: what the peer may still send on a stream, and the memory that stands behind.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::INITIAL_WINDOW;

/// The receive memory of a session beyond the initial windows.
#[derive(Debug)]
pub(crate) struct Budget {
    total: u64,
    reserved: u64,
}

impl Budget {
    pub(crate) fn new(total: usize) -> Self {
        Self {
            total: u64::try_from(total).unwrap_or(u64::MAX),
            reserved: 0,
        }
    }

    /// What a new stream may have at once: everything while little is reserved, else nothing.
    fn opening(&mut self, wanted: u32) -> u32 {
        let after = self.reserved.saturating_add(u64::from(wanted));
        if after > self.total / 4 {
            return 0;
        }
        self.reserved = after;
        wanted
    }

    /// What a stream that needs more may have: never more than half of what is left, so that
    /// something stays for the others.
    fn growth(&mut self, wanted: u32) -> u32 {
        let half = self.total.saturating_sub(self.reserved) / 2;
        let extra = u32::try_from(half).unwrap_or(u32::MAX).min(wanted);
        if extra < MIN_GROWTH {
            return 0;
        }
        self.reserved = self.reserved.saturating_add(u64::from(extra));
        extra
    }

    fn give_back(&mut self, extra: u32) {
        self.reserved = self.reserved.saturating_sub(u64::from(extra));
    }

    #[cfg(test)]
    pub(crate) const fn reserved(&self) -> u64 {
        self.reserved
    }
}

/// The receive window of one stream.
#[derive(Debug)]
pub(crate) struct Credit {
    /// What the peer may still send.
    window: u32,
    /// What it announced and the consumer has not taken yet.
    unread: u32,
    /// What both together come to after an update.
    target: u32,
    updated: Instant,
}

impl Credit {
    pub(crate) const fn new(now: Instant) -> Self {
        Self {
            window: INITIAL_WINDOW,
            unread: 0,
            target: INITIAL_WINDOW,
            updated: now,
        }
    }

    /// Reserves the opening grant; answers the delta to announce with SYN or ACK.
    pub(crate) fn open(&mut self, max: u32, budget: &mut Budget) -> u32 {
        let extra = budget.opening(max.saturating_sub(self.target));
        self.target = self.target.saturating_add(extra);
        self.window = self.window.saturating_add(extra);
        extra
    }

    /// Takes a data frame of `len` into account; `false` when it overruns the window.
    #[must_use]
    pub(crate) const fn receive(&mut self, len: u32) -> bool {
        let Some(left) = self.window.checked_sub(len) else {
            return false;
        };
        self.window = left;
        self.unread = self.unread.saturating_add(len);
        true
    }

    /// The consumer took `len` bytes; `true` when an update is due.
    #[must_use]
    pub(crate) fn consume(&mut self, len: usize) -> bool {
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        self.unread = self.unread.saturating_sub(len);
        self.owed() >= self.target / 2
    }

    const fn owed(&self) -> u32 {
        self.target
            .saturating_sub(self.window.saturating_add(self.unread))
    }

    /// The delta to announce now. The window grows fourfold when half of it was used up quickly:
    /// only a stream that is (nearly) limited by its window does that.
    pub(crate) fn update(&mut self, now: Instant, max: u32, budget: &mut Budget) -> u32 {
        if self.target < max && now.saturating_duration_since(self.updated) < QUICK {
            let goal = self.target.saturating_mul(4).min(max);
            self.target += budget.growth(goal - self.target);
        }
        let delta = self.owed();
        self.window = self.window.saturating_add(delta);
        self.updated = now;
        delta
    }

    /// Returns what was reserved; the stream keeps only what the peer may still send.
    pub(crate) fn close(&mut self, budget: &mut Budget) {
        budget.give_back(self.target.saturating_sub(INITIAL_WINDOW));
        self.target = self.target.min(INITIAL_WINDOW);
    }
}

/// Smaller growth is not worth a reservation.
const MIN_GROWTH: u32 = 64 * 1024;
/// Half a window within this time counts as limited by the window: four times the round trip of
/// the slowest links in use (geostationary satellites, 500 ms).
const QUICK: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: u32 = 6 * 1024 * 1024;

    #[test]
    fn first_streams_get_all_at_once_and_later_ones_on_demand() {
        let mut budget = Budget::new(64 << 20);
        let now = Instant::now();
        let mut first = Credit::new(now);
        assert_eq!(first.open(MAX, &mut budget), 6_029_312);
        let mut second = Credit::new(now);
        assert_eq!(second.open(MAX, &mut budget), 6_029_312);
        let mut third = Credit::new(now);
        assert_eq!(third.open(MAX, &mut budget), 0);
        let mut rounds = 0;
        while third.target < MAX {
            let half = third.window / 2;
            assert!(third.receive(half));
            assert!(third.consume(half as usize));
            assert!(third.update(now, MAX, &mut budget) >= half);
            rounds += 1;
        }
        assert_eq!(rounds, 3);
        for c in [&mut first, &mut second, &mut third] {
            c.close(&mut budget);
            c.close(&mut budget);
        }
        assert_eq!(budget.reserved(), 0);
    }

    #[test]
    fn a_slow_consumer_gets_back_what_it_took_and_no_more() {
        let mut budget = Budget::new(64 << 20);
        let now = Instant::now();
        let mut credit = Credit::new(now);
        assert!(credit.receive(200_000));
        assert!(!credit.receive(100_000));
        assert!(!credit.consume(100_000));
        assert!(credit.consume(100_000));
        let later = now + Duration::from_secs(3);
        assert_eq!(credit.update(later, MAX, &mut budget), 200_000);
        assert_eq!(credit.window, INITIAL_WINDOW);
        assert_eq!(budget.reserved(), 0);
    }

    #[test]
    fn the_budget_is_never_exceeded() {
        let mut budget = Budget::new(4 << 20);
        let now = Instant::now();
        let mut all: Vec<Credit> = (0..50).map(|_| Credit::new(now)).collect();
        for _ in 0..10 {
            for credit in &mut all {
                let half = credit.window / 2;
                assert!(credit.receive(half));
                let _due = credit.consume(half as usize);
                credit.update(now, MAX, &mut budget);
                assert!(budget.reserved() <= 4 << 20);
            }
        }
    }
}
