//! When to try again to reach the server (protocol 3.3). Time and chance come in as arguments.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// The first wait, doubled after each failure.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait before the first login.
const CAP_BEFORE_LOGIN: Duration = Duration::from_secs(10);
/// The longest wait after a session was lost.
const CAP_AFTER_LOGIN: Duration = Duration::from_secs(20);
/// The wait of a fast retry after a session was lost.
const FAST: Duration = Duration::from_millis(200);
/// Fast retries within [`WINDOW`].
const FAST_RETRIES: usize = 3;
/// See [`FAST_RETRIES`].
const WINDOW: Duration = Duration::from_secs(60);

/// Waits between attempts: a few fast ones after a loss, then longer and longer.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    logged_in: bool,
    next: Option<Duration>,
    fast: VecDeque<Instant>,
}

impl Backoff {
    /// Notes a login: the next failure begins with short waits.
    pub(crate) fn succeeded(&mut self) {
        self.logged_in = true;
        self.next = None;
    }

    /// How long to wait after a session was lost at `now`. `chance` is from 0 to 1.
    pub(crate) fn lost(&mut self, now: Instant, chance: f64) -> Duration {
        while self
            .fast
            .front()
            .is_some_and(|at| now.duration_since(*at) > WINDOW)
        {
            self.fast.pop_front();
        }
        if self.fast.len() < FAST_RETRIES {
            self.fast.push_back(now);
            return FAST.mul_f64(1.0 + 0.5 * chance);
        }
        self.failed(chance)
    }

    /// How long to wait after an attempt failed. `chance` is from 0 to 1.
    pub(crate) fn failed(&mut self, chance: f64) -> Duration {
        let cap = if self.logged_in {
            CAP_AFTER_LOGIN
        } else {
            CAP_BEFORE_LOGIN
        };
        let wait = self.next.unwrap_or(FIRST);
        self.next = Some((wait * 2).min(cap));
        wait.mul_f64(1.0 + 0.1 * chance)
    }
}

/// A number from 0 to 1 that other clients do not have; 0.5 when the system has no randomness.
pub(crate) fn chance() -> f64 {
    getrandom::u32().map_or(0.5, |n| f64::from(n) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Backoff, chance};

    fn seconds(backoff: &mut Backoff, n: usize) -> Vec<u64> {
        (0..n).map(|_| backoff.failed(0.0).as_secs()).collect()
    }

    #[test]
    fn waits_double_up_to_a_cap() {
        let mut backoff = Backoff::default();
        assert_eq!(seconds(&mut backoff, 6), [1, 2, 4, 8, 10, 10]);
        backoff.succeeded();
        assert_eq!(seconds(&mut backoff, 7), [1, 2, 4, 8, 16, 20, 20]);
    }

    #[test]
    fn a_lost_session_is_retried_fast_three_times_a_minute() {
        let mut backoff = Backoff::default();
        let now = Instant::now();
        for _ in 0..3 {
            backoff.succeeded();
            assert_eq!(backoff.lost(now, 0.0), Duration::from_millis(200));
        }
        assert_eq!(backoff.lost(now, 0.0), Duration::from_secs(1));
        assert_eq!(
            backoff.lost(now + Duration::from_secs(61), 1.0),
            Duration::from_millis(300)
        );
    }

    #[test]
    fn chance_is_a_fraction() {
        assert!((0..100).all(|_| (0.0..=1.0).contains(&chance())));
    }
}
