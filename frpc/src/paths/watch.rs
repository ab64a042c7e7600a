//! Whether a path still works: a state machine without I/O over what its transport counts.

use std::time::Duration;

use culvert_transport::Traffic;
use tokio::time::Instant;

/// How often a path is looked at. Seldom enough to cost nothing, often enough for [`DEAD`].
pub(crate) const LOOK: Duration = Duration::from_millis(250);
/// How often a path of auto mode asks its peer for a sign of life when it is idle: half of the time
/// in which a dead one is to be noticed.
pub(crate) const KEEPALIVE: Duration = Duration::from_secs(1);
/// Silence after which others are tried: that of a keepalive, and as long again for its answer.
const DEAD: Duration = Duration::from_millis(1900);
/// An answer may be this many round trips late before it is missed: one for itself, and one for
/// what is sent again.
const PATIENCE: u32 = 2;

/// Over which time loss and round trips are judged.
const WINDOW: Duration = Duration::from_secs(10);
/// Packets that must have left within [`WINDOW`] for their loss to mean anything.
const ENOUGH: u64 = 200;
/// One packet in this many may be lost. Links with a tenth of that are bad and common; a policed
/// one loses more.
const LOSS: u64 = 5;
/// The round trip may grow by this factor over its best …
const GROWTH: u32 = 4;
/// … and by this much, before it counts as slow (users notice a quarter of a second).
const GROWN: Duration = Duration::from_millis(250);

/// How a path does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// As it should.
    Well,
    /// Its peer has been silent for so long that it is given up if another path works.
    Dead,
    /// It has lost much, or answers late, for a while.
    Slow,
}

/// One path, as seen so far.
#[derive(Debug)]
pub(crate) struct Watch {
    received: u64,
    /// When something last came.
    heard: Instant,
    /// The best round trip.
    best: Option<Duration>,
    /// When the window of now began, with what had been sent and lost then.
    window: (Instant, u64, u64),
    /// Since when round trips have been long.
    late: Option<Instant>,
    slow: bool,
}

impl Watch {
    /// A path that came up at `now`.
    pub(crate) const fn new(now: Instant) -> Self {
        Self {
            received: 0,
            heard: now,
            best: None,
            window: (now, 0, 0),
            late: None,
            slow: false,
        }
    }

    /// Takes in what the transport counts at `now`.
    pub(crate) fn look(
        &mut self,
        now: Instant,
        traffic: Traffic,
        round_trip: Option<Duration>,
    ) -> Health {
        if traffic.received != self.received {
            self.received = traffic.received;
            self.heard = now;
        }
        self.judge_round_trip(now, round_trip);
        self.judge_loss(now, traffic);
        let late = round_trip.unwrap_or_default().saturating_mul(PATIENCE);
        let silent = now.saturating_duration_since(self.heard);
        if silent >= DEAD + late {
            Health::Dead
        } else if self.slow {
            Health::Slow
        } else {
            Health::Well
        }
    }

    /// How long nothing has come.
    pub(crate) fn silence(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.heard)
    }

    fn judge_round_trip(&mut self, now: Instant, round_trip: Option<Duration>) {
        let Some(round_trip) = round_trip else {
            return;
        };
        let best = self.best.map_or(round_trip, |best| best.min(round_trip));
        self.best = Some(best);
        if round_trip < best.saturating_mul(GROWTH).max(best + GROWN) {
            self.late = None;
            return;
        }
        let since = *self.late.get_or_insert(now);
        self.slow |= now.saturating_duration_since(since) >= WINDOW;
    }

    fn judge_loss(&mut self, now: Instant, traffic: Traffic) {
        let (began, sent, lost) = self.window;
        if now.saturating_duration_since(began) < WINDOW {
            return;
        }
        self.window = (now, traffic.sent, traffic.lost);
        let sent = traffic.sent.saturating_sub(sent);
        let lost = traffic.lost.saturating_sub(lost);
        let lossy = sent >= ENOUGH && lost >= sent / LOSS;
        let late = self
            .late
            .is_some_and(|since| now.saturating_duration_since(since) >= WINDOW);
        self.slow = lossy || late;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIP: Option<Duration> = Some(Duration::from_millis(50));

    fn millis(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn heard(received: u64) -> Traffic {
        Traffic {
            received,
            ..Traffic::default()
        }
    }

    #[test]
    fn silence_is_death() {
        let now = Instant::now();
        let mut watch = Watch::new(now);
        assert_eq!(watch.look(now, heard(1), TRIP), Health::Well);
        let at = now + millis(1900);
        assert_eq!(watch.look(at, heard(1), TRIP), Health::Well);
        let at = now + millis(2000);
        assert_eq!(watch.look(at, heard(1), TRIP), Health::Dead);
        assert_eq!(watch.silence(at), millis(2000));
        // A late answer takes it all back.
        assert_eq!(watch.look(at, heard(2), TRIP), Health::Well);
    }

    #[test]
    fn far_away_peers_have_more_time() {
        let now = Instant::now();
        let mut watch = Watch::new(now);
        let far = Some(millis(600));
        watch.look(now, heard(1), far);
        assert_eq!(watch.look(now + millis(2600), heard(1), far), Health::Well);
        assert_eq!(watch.look(now + millis(3200), heard(1), far), Health::Dead);
    }

    #[test]
    fn round_trips_that_stay_long_are_slow() {
        let now = Instant::now();
        let mut watch = Watch::new(now);
        let mut health = Vec::new();
        for second in 0..25 {
            let trip = if second < 5 { millis(50) } else { millis(400) };
            let at = now + Duration::from_secs(second);
            health.push(watch.look(at, heard(second), Some(trip)));
        }
        assert_eq!(health.get(14), Some(&Health::Well));
        assert_eq!(health.get(15), Some(&Health::Slow));
        let at = now + Duration::from_secs(36);
        watch.look(at, heard(99), TRIP);
        let at = now + Duration::from_secs(47);
        assert_eq!(watch.look(at, heard(100), TRIP), Health::Well);
    }

    #[test]
    fn much_loss_is_slow_and_a_little_is_not() {
        for (lost, health) in [(10, Health::Well), (400, Health::Slow)] {
            let now = Instant::now();
            let mut watch = Watch::new(now);
            let at = now + WINDOW;
            let traffic = Traffic {
                received: 1,
                sent: 1000,
                lost,
            };
            assert_eq!(watch.look(at, traffic, TRIP), health);
        }
    }
}
