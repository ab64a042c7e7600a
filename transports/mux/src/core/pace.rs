//! Whether the transport is so slow that a large frame would make others wait.

use std::time::Duration;

use culvert_io::{Buffer, FastPath, FastPaths};
use tokio::time::Instant;

/// What is known of the transport's speed. It is learnt while the transport is full.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    slow: bool,
    /// Nothing is learnt.
    fixed: bool,
    /// When the stretch that is measured began, and how many bytes had ever left by then.
    since: Option<(Instant, u64)>,
}

impl Pace {
    pub(crate) fn new(paths: FastPaths) -> Self {
        let forced = paths.forces(FastPath::Pace);
        Self {
            slow: forced,
            fixed: forced || !paths.takes(FastPath::Pace),
            since: None,
        }
    }

    /// The longest frame, and the most that the transport is given at once: what it has taken,
    /// nobody overtakes.
    pub(crate) const fn piece(&self) -> usize {
        if self.slow {
            Buffer::SMALL
        } else {
            Buffer::LARGE
        }
    }

    /// The most that the transport is given at once.
    pub(crate) const fn most(&self) -> usize {
        if self.slow { Buffer::SMALL } else { usize::MAX }
    }

    /// The transport is full; `sent` bytes have ever left.
    pub(crate) fn full(&mut self, now: Instant, sent: u64) {
        if self.fixed {
            return;
        }
        let Some((since, before)) = self.since else {
            self.since = Some((now, sent));
            return;
        };
        let time = now.saturating_duration_since(since);
        if time >= STRETCH {
            self.slow = is_slow(sent.saturating_sub(before), time);
            self.since = Some((now, sent));
        }
    }

    /// The transport took everything. That it did says nothing, unless it was a lot.
    pub(crate) fn empty(&mut self, clock: fn() -> Instant, sent: u64) {
        if self.slow {
            self.full(clock(), sent);
            return;
        }
        self.since = None;
    }
}

fn is_slow(bytes: u64, time: Duration) -> bool {
    u128::from(bytes) * 1_000_000 < time.as_micros() * u128::from(FAST)
}

/// What is measured at once: long against the pauses of a busy machine.
const STRETCH: Duration = Duration::from_millis(10);
/// Bytes per second from which on a large frame takes no more than 4 ms. Below, small ones cost
/// little: 4000 a second.
const FAST: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_full_transport_shows_how_fast_it_is() {
        let mut pace = Pace::default();
        let mut sent = 0;
        assert_eq!(pace.most(), usize::MAX);
        // 100 Mbit/s, then 10 Gbit/s.
        for (rate, piece) in [(12_500, Buffer::SMALL), (1_250_000, Buffer::LARGE)] {
            for _ in 0..30 {
                pace.full(Instant::now(), sent);
                tokio::time::advance(Duration::from_millis(1)).await;
                sent += rate;
            }
            assert_eq!(pace.piece(), piece);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_chosen_is_not_learnt() {
        for (paths, piece) in [
            (FastPaths::NONE, Buffer::LARGE),
            (FastPaths::ALL, Buffer::SMALL),
        ] {
            let mut pace = Pace::new(paths);
            for rate in [0, 1 << 30] {
                pace.full(Instant::now(), rate);
                tokio::time::advance(STRETCH).await;
                pace.empty(Instant::now, rate);
                assert_eq!(pace.piece(), piece);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_transport_that_idles_is_not_slow() {
        let mut pace = Pace::default();
        for sent in 0..30 {
            pace.full(Instant::now(), sent);
            pace.empty(Instant::now, sent);
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(pace.piece(), Buffer::LARGE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_transport_that_was_slow_and_takes_a_lot_is_fast() {
        let mut pace = Pace::default();
        pace.full(Instant::now(), 0);
        tokio::time::advance(Duration::from_secs(1)).await;
        pace.full(Instant::now(), 1000);
        assert_eq!(pace.piece(), Buffer::SMALL);
        tokio::time::advance(Duration::from_millis(20)).await;
        pace.empty(Instant::now, 10 << 20);
        assert_eq!(pace.piece(), Buffer::LARGE);
    }
}
