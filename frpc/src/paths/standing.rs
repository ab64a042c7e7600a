//! Which rung to take: a state machine without I/O; time and chance come in as arguments.

use std::time::Duration;

use tokio::time::Instant;

/// A path that lived this long proves its rung: what went before is forgotten.
const STEADY: Duration = Duration::from_secs(300);
/// The longest wait for a rung that keeps failing to carry what it promised.
const LONGEST: Duration = Duration::from_secs(600);
/// How much longer than the first a wait for a rung gets that is simply not there.
const GROWTH: u32 = 3;
/// Waits differ by this part of their length between clients.
const JITTER: f64 = 0.1;

/// What is known of one rung.
#[derive(Clone, Debug, Default)]
struct Standing {
    /// Attempts in a row that led to no login.
    failures: u32,
    /// Paths in a row that came up and went bad soon after.
    flaps: u32,
    /// Since when a path over it is in use.
    since: Option<Instant>,
    /// Before this time others are preferred to it, and it is not probed.
    shunned: Option<Instant>,
}

/// The rungs of one server by their index, best first, and how each has done.
#[derive(Debug)]
pub(crate) struct Standings {
    all: Vec<Standing>,
    /// The rung that won last on the network of now.
    favourite: Option<usize>,
    /// The rung in use.
    current: Option<usize>,
    interval: Duration,
}

impl Standings {
    /// Nothing is known yet of `rungs` rungs; `interval` is the wait before the first probe.
    pub(crate) fn new(rungs: usize, interval: Duration) -> Self {
        Self {
            all: vec![Standing::default(); rungs],
            favourite: None,
            current: None,
            interval,
        }
    }

    /// The machine is on another network, where `favourite` won last. What was seen on the old one
    /// says nothing here.
    pub(crate) fn moved(&mut self, favourite: Option<usize>) {
        for one in &mut self.all {
            *one = Standing {
                since: one.since,
                ..Standing::default()
            };
        }
        self.favourite = favourite.filter(|index| *index < self.all.len());
    }

    /// The rung in use, or that was last.
    pub(crate) const fn current(&self) -> Option<usize> {
        self.current
    }

    /// In which order to dial at `now`: every rung has its place, so that no network is given up.
    /// Those that failed lately come last.
    pub(crate) fn order(&self, now: Instant) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.all.len()).collect();
        order.sort_by_cached_key(|index| {
            let one = self.all.get(*index);
            let shunned = one.is_some_and(|one| one.is_shunned(now));
            let failures = one.map_or(0, |one| if shunned { one.failures + one.flaps } else { 0 });
            let other = self.favourite != Some(*index);
            u64::from(shunned) << 33 | u64::from(failures) << 1 | u64::from(other)
        });
        order
    }

    /// An frps answered over this rung, which is in use from now on. Better ones that were not
    /// even in the way are left alone for a while.
    pub(crate) fn chosen(&mut self, index: usize, now: Instant, chance: f64) {
        self.leave(now);
        self.current = Some(index);
        self.favourite = Some(index);
        if let Some(one) = self.all.get_mut(index) {
            one.failures = 0;
            one.shunned = None;
            one.since = Some(now);
        }
        let later = now + jittered(self.interval, chance);
        for one in self.all.iter_mut().take(index) {
            one.shunned = one.shunned.max(Some(later));
        }
    }

    /// Nothing is in use any more, through no fault of the rung.
    fn leave(&mut self, now: Instant) {
        if let Some(one) = self.current.take().and_then(|i| self.all.get_mut(i))
            && let Some(since) = one.since.take()
            && now.saturating_duration_since(since) >= STEADY
        {
            one.flaps = 0;
        }
    }

    /// Dialling or logging in over this rung failed.
    pub(crate) fn failed(&mut self, index: usize, now: Instant, chance: f64) {
        let interval = self.interval;
        if let Some(one) = self.all.get_mut(index) {
            one.failures = one.failures.saturating_add(1);
            let wait = interval.saturating_mul(one.failures.min(GROWTH));
            one.shunned = one.shunned.max(Some(now + jittered(wait, chance)));
        }
    }

    /// A path over this rung was in use and ended by itself. That is the server's doing, or that of
    /// something on the way that ends such links: only when it happens again and again soon after
    /// they came up, another rung is better.
    pub(crate) fn died(&mut self, index: usize, now: Instant, chance: f64) {
        let flaps = self.all.get(index).map_or(0, |one| one.flaps);
        let young = self.all.get(index).and_then(|one| one.age(now));
        if young.is_some_and(|age| age < STEADY) && flaps > 0 {
            return self.went_bad(index, now, chance);
        }
        self.leave(now);
        if let Some(one) = self.all.get_mut(index) {
            one.flaps = u32::from(young.is_some_and(|age| age < STEADY));
        }
    }

    /// A path over this rung was in use and went bad, although others work. The more often that
    /// happens soon after it came up, the longer it is left alone.
    pub(crate) fn went_bad(&mut self, index: usize, now: Instant, chance: f64) {
        if self.current == Some(index) {
            self.current = None;
        }
        let interval = self.interval;
        if let Some(one) = self.all.get_mut(index) {
            if one.age(now).is_some_and(|age| age >= STEADY) {
                one.flaps = 0;
            }
            one.since = None;
            one.flaps = one.flaps.saturating_add(1);
            let doublings = (one.flaps - 1).min(16);
            let wait = interval.saturating_mul(1 << doublings).min(LONGEST);
            one.shunned = one.shunned.max(Some(now + jittered(wait, chance)));
        }
    }

    /// Until when others are preferred to this rung, if they are.
    pub(crate) fn shunned_until(&self, index: usize, now: Instant) -> Option<Instant> {
        self.all.get(index)?.shunned.filter(|until| *until > now)
    }

    /// Rungs better than the one in use that may be probed at `now`, best first.
    pub(crate) fn due(&self, now: Instant) -> Vec<usize> {
        let above = self.all.iter().take(self.current.unwrap_or(0)).enumerate();
        above
            .filter(|(_, one)| !one.is_shunned(now))
            .map(|(index, _)| index)
            .collect()
    }

    /// When the next probe is due; `None` while the best rung is in use, or none.
    pub(crate) fn next_due(&self, now: Instant) -> Option<Instant> {
        let above = self.all.iter().take(self.current?);
        above.map(|one| one.shunned.unwrap_or(now)).min()
    }
}

impl Standing {
    fn is_shunned(&self, now: Instant) -> bool {
        self.shunned.is_some_and(|until| until > now)
    }

    fn age(&self, now: Instant) -> Option<Duration> {
        Some(now.saturating_duration_since(self.since?))
    }
}

fn jittered(wait: Duration, chance: f64) -> Duration {
    wait.mul_f64(1.0 + JITTER * chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(15);

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn rungs_are_dialled_best_first_and_those_that_failed_last() {
        let now = Instant::now();
        let mut rungs = Standings::new(4, INTERVAL);
        assert_eq!(rungs.order(now), [0, 1, 2, 3]);
        rungs.failed(0, now, 0.0);
        rungs.failed(2, now, 0.0);
        rungs.failed(2, now, 0.0);
        assert_eq!(rungs.order(now), [1, 3, 0, 2]);
        assert_eq!(rungs.order(now + INTERVAL), [0, 1, 3, 2]);
        assert_eq!(rungs.order(now + INTERVAL * 2), [0, 1, 2, 3]);
    }

    #[test]
    fn the_winner_comes_first_until_the_network_changes() {
        let now = Instant::now();
        let mut rungs = Standings::new(3, INTERVAL);
        rungs.chosen(1, now, 0.0);
        let later = now + seconds(3600);
        assert_eq!(rungs.order(later), [1, 0, 2]);
        rungs.moved(Some(2));
        assert_eq!(rungs.order(later), [2, 0, 1]);
        rungs.moved(Some(7));
        assert_eq!(rungs.order(later), [0, 1, 2]);
    }

    #[test]
    fn better_rungs_are_probed_after_a_while_and_at_most_every_45_s() {
        let now = Instant::now();
        let mut rungs = Standings::new(3, INTERVAL);
        assert_eq!(rungs.next_due(now), None);
        rungs.failed(0, now, 0.0);
        rungs.chosen(1, now, 0.0);
        assert_eq!(rungs.due(now), [0; 0]);
        let mut at = now;
        let mut waits = Vec::new();
        for _ in 0..5 {
            let next = rungs.next_due(at).unwrap();
            waits.push(next.duration_since(at).as_secs());
            at = next;
            assert_eq!(rungs.due(at), [0]);
            rungs.failed(0, at, 0.0);
        }
        assert_eq!(waits, [15, 30, 45, 45, 45]);
        rungs.chosen(0, at, 0.0);
        assert_eq!(rungs.next_due(at), None);
    }

    #[test]
    fn a_rung_that_comes_and_goes_is_left_alone_longer_and_longer() {
        let now = Instant::now();
        let mut rungs = Standings::new(2, INTERVAL);
        let mut at = now;
        let mut waits = Vec::new();
        for _ in 0..8 {
            rungs.chosen(0, at, 0.0);
            at += seconds(20);
            rungs.went_bad(0, at, 0.0);
            rungs.chosen(1, at, 0.0);
            let next = rungs.next_due(at).unwrap();
            waits.push(next.duration_since(at).as_secs());
            at = next;
        }
        assert_eq!(waits, [15, 30, 60, 120, 240, 480, 600, 600]);
        // One that was good for long starts anew.
        rungs.chosen(0, at, 0.0);
        at += STEADY;
        rungs.went_bad(0, at, 0.0);
        rungs.chosen(1, at, 0.0);
        assert_eq!(rungs.next_due(at), Some(at + INTERVAL));
    }

    #[test]
    fn links_that_end_soon_again_and_again_speak_against_their_rung() {
        let now = Instant::now();
        let mut rungs = Standings::new(2, INTERVAL);
        for order in [[0, 1], [1, 0]] {
            rungs.chosen(0, now, 0.0);
            rungs.died(0, now + seconds(30), 0.0);
            assert_eq!(rungs.order(now + seconds(31)), order);
        }
        // One that lived for long is believed again.
        rungs.chosen(0, now, 0.0);
        rungs.died(0, now + STEADY, 0.0);
        rungs.chosen(0, now + STEADY, 0.0);
        rungs.died(0, now + STEADY + seconds(9), 0.0);
        assert_eq!(rungs.order(now + STEADY + seconds(9)), [0, 1]);
    }

    #[test]
    fn waits_differ_between_clients() {
        let now = Instant::now();
        let mut rungs = Standings::new(2, seconds(10));
        rungs.chosen(1, now, 1.0);
        assert_eq!(rungs.next_due(now), Some(now + seconds(11)));
    }
}
