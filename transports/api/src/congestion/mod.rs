//! How fast to send: what the path delivers is measured, and lost packets alone slow nothing down.
//!
//! The model is BBR's (draft-cardwell-iccrg-bbr-congestion-control): the highest rate of delivery
//! of the last rounds times the shortest round trip of the last seconds is what the path holds.
//! Who uses it paces by the window alone, so it is the window that cycles: a quarter above what
//! the path holds, to find out whether it delivers more, a quarter below, to empty the queue that
//! this has made, then right at it. Bytes and time come in as arguments; times are those since any
//! fixed moment.

mod model;

#[cfg(test)]
mod tests;

use std::time::Duration;

use self::model::{Model, Sample};

/// How a transport differs from others, as far as its congestion control goes.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// What is sent at once, and acknowledged at once, as time on the path.
    pub bundle: Duration,
    /// Shorter round trips count as this long: below it, clocks and acknowledgements are too
    /// coarse to tell.
    pub least_trip: Duration,
    /// One packet in this many lost in a round is too many.
    pub heavy: u64,
}

/// The state of one path.
#[derive(Clone, Debug)]
pub struct Bbr {
    habits: Habits,
    mtu: u64,
    model: Model,
    mode: Mode,
    /// Bytes that may be on their way.
    window: u64,
    /// Below the window that the model asks for, after heavy loss.
    limit: Option<u64>,
    round: Round,
    /// Bytes per second that rounds delivered at most: so far, or before the last push.
    best: f64,
    /// Rounds of starting up that brought no more.
    stalled: u32,
    /// Rounds whose losses still come from starting up.
    grace: u32,
}

/// What the window is after.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    /// Grows fast until the path delivers no more.
    Startup,
    /// Empties the queue that starting up has made.
    Drain,
    /// At this step of [`GAINS`], since then.
    Cruise(usize, Duration),
    /// Lets go for a moment, to see the path without a queue.
    Look(Duration),
}

/// What the round so far was like.
#[derive(Clone, Copy, Debug, Default)]
struct Round {
    acked: u64,
    lost: u64,
    /// The shortest round trip in it.
    rtt: Option<Duration>,
}

impl Bbr {
    /// A path that nothing is known of; `mtu` is the size of a full packet in bytes.
    #[must_use]
    pub fn new(now: Duration, mtu: u64, habits: Habits) -> Self {
        Self {
            habits,
            mtu,
            model: Model::new(now, habits.least_trip),
            mode: Mode::Startup,
            window: INITIAL * mtu,
            limit: None,
            round: Round::default(),
            best: 0.0,
            stalled: 0,
            grace: 0,
        }
    }

    /// A packet leaves.
    pub fn on_sent(&mut self, now: Duration) {
        self.model.on_sent(now);
    }

    /// `bytes` are acknowledged; `sent` is when they had left, if that is certain.
    pub fn on_ack(&mut self, now: Duration, sent: Option<Duration>, bytes: u64) {
        self.model.on_ack(now, sent, bytes);
        self.round.acked += bytes;
    }

    /// Sums up what was acknowledged at once. `limited`: there was less to send than the window
    /// allowed.
    pub fn on_end_acks(&mut self, now: Duration, in_flight: u64, limited: bool) {
        let Some(sample) = self.model.on_end_acks(now, in_flight, limited) else {
            return;
        };
        let rtt = self.round.rtt.map_or(sample.rtt, |rtt| rtt.min(sample.rtt));
        self.round.rtt = Some(rtt);
        if sample.ends_round {
            self.on_round(sample.limited);
        }
        self.on_sample(now, &sample, in_flight);
        self.set_window(&sample);
    }

    /// `bytes` are taken for lost.
    pub const fn on_lost(&mut self, bytes: u64) {
        self.round.lost += bytes;
    }

    /// `bytes` that were taken for lost had only been late.
    pub const fn on_found(&mut self, bytes: u64) {
        self.round.lost = self.round.lost.saturating_sub(bytes);
    }

    /// The path has marked a packet (ECN), which comes from a queue that is long.
    pub const fn on_mark(&mut self) {
        self.round.lost += self.window / self.habits.heavy;
    }

    /// Nothing has come through for long: what was known of the path is worth nothing.
    pub fn restart(&mut self, now: Duration) {
        *self = Self::new(now, self.mtu, self.habits);
        self.window = self.floor();
    }

    /// Full packets have another size, in bytes.
    pub fn set_mtu(&mut self, mtu: u64) {
        self.mtu = mtu;
        self.window = self.window.max(self.floor());
    }

    /// Bytes that may be on their way.
    #[must_use]
    pub const fn window(&self) -> u64 {
        self.window
    }

    /// The window of a path that nothing is known of, in bytes.
    #[must_use]
    pub const fn initial_window(&self) -> u64 {
        INITIAL * self.mtu
    }

    /// Bytes per second that the path delivers, once that is known.
    #[must_use]
    pub fn rate(&self) -> Option<u64> {
        Some(whole(self.model.rate())).filter(|rate| *rate > 0)
    }

    /// The shortest round trip of the last seconds.
    #[must_use]
    pub fn shortest(&self) -> Option<Duration> {
        self.model.shortest()
    }

    /// `gain` times what the path holds, and what acknowledgements that come in bundles need.
    fn target(&self, gain: f64) -> u64 {
        let Some(holds) = self.model.holds() else {
            return INITIAL * self.mtu;
        };
        let bundles = self.model.rate() * self.habits.bundle.as_secs_f64();
        whole(holds.mul_add(gain, bundles)) + SPARE * self.mtu
    }

    fn floor(&self) -> u64 {
        LEAST * self.mtu
    }

    /// Whether a round trip was so long that there is a queue.
    fn queues(&self, trip: Duration) -> bool {
        let least = self.model.shortest();
        least.is_some_and(|least| trip > least + (least / 4).max(JITTER))
    }

    /// The end of a round: whether the path is full, and whether it loses too much.
    fn on_round(&mut self, limited: bool) {
        let round = std::mem::take(&mut self.round);
        let all = round.acked + round.lost;
        let heavy = all > ENOUGH * self.mtu && round.lost * self.habits.heavy > all;
        let rate = self.model.rate();
        let grown = rate >= self.best * GROWTH;
        if self.mode == Mode::Startup {
            // Small requests that come one at a time say nothing.
            if limited && all <= ENOUGH * self.mtu {
                return;
            }
            if grown {
                self.best = rate;
                self.stalled = 0;
            } else if !limited {
                self.stalled += 1;
            }
            // Losses alone may be chance, as long as more arrives than before.
            let full = self.stalled >= STALLED || (heavy && !grown);
            if full || round.rtt.is_some_and(|trip| self.queues(trip)) {
                self.mode = Mode::Drain;
                self.grace = GRACE;
            }
        } else if self.grace > 0 {
            self.grace -= 1;
        } else if heavy {
            self.limit = Some((self.window * 4 / 5).max(self.floor()));
            self.model.forget_rates();
        } else if grown && !limited {
            // The path holds far more than it was taken to hold.
            self.start();
        } else if let Some(limit) = self.limit {
            let more = limit + limit / 10;
            self.limit = Some(more).filter(|more| *more < self.target(UP));
        }
    }

    /// Looks for what the path holds by leaps, from what it is known to deliver.
    fn start(&mut self) {
        self.mode = Mode::Startup;
        self.best = self.model.rate();
        self.stalled = 0;
        self.limit = None;
    }

    fn on_sample(&mut self, now: Duration, sample: &Sample, in_flight: u64) {
        let shortest = self.model.shortest().unwrap_or_default();
        match self.mode {
            Mode::Startup => {}
            Mode::Drain => {
                if in_flight <= self.target(1.0) {
                    self.mode = Mode::Cruise(2, now);
                }
            }
            Mode::Cruise(step, since) => {
                let gain = GAINS.get(step).copied().unwrap_or(1.0);
                let over = now.saturating_sub(since) >= shortest;
                // A push lasts until that much more was on its way.
                let pushed = gain <= 1.0
                    || in_flight >= self.target(PUSHED)
                    || now.saturating_sub(since) >= shortest * 2;
                let done = (gain < 1.0 && in_flight <= self.target(1.0)) || (over && pushed);
                if self.model.is_stale(now) && !sample.limited {
                    self.mode = Mode::Look(now);
                } else if done {
                    self.cruise((step + 1) % GAINS.len(), now);
                }
            }
            Mode::Look(since) => {
                if now.saturating_sub(since) > LOOK + shortest {
                    self.model.refresh(now);
                    self.cruise(0, now);
                }
            }
        }
    }

    /// Takes a step of [`GAINS`].
    fn cruise(&mut self, step: usize, now: Duration) {
        self.mode = Mode::Cruise(step, now);
        if step == 0 {
            self.best = self.model.rate();
        }
    }

    fn set_window(&mut self, sample: &Sample) {
        let wanted = match self.mode {
            // What is sent into a queue brings nothing.
            Mode::Startup if self.queues(sample.rtt) => self.window,
            Mode::Startup => {
                let most = self.target(START).max(INITIAL * self.mtu);
                (self.window + sample.acked * LEAP)
                    .min(most)
                    .max(self.window)
            }
            Mode::Drain => self.target(DOWN),
            Mode::Cruise(step, _) => self.target(GAINS.get(step).copied().unwrap_or(1.0)),
            Mode::Look(_) => self.target(HALF),
        };
        let wanted = self.limit.map_or(wanted, |limit| wanted.min(limit));
        self.window = wanted.max(self.floor());
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bytes on a path: not negative, and far below what a float holds"
)]
const fn whole(bytes: f64) -> u64 {
    bytes as u64
}

/// Packets that may be on their way at first; they are paced (the same in Chromium's BBR).
const INITIAL: u64 = 32;
/// Packets that may always be on their way (BBR draft, 4.2.3.4).
const LEAST: u64 = 4;
/// Packets beyond what the path holds.
const SPARE: u64 = 3;
/// The window while starting up, in terms of what the path has held so far.
const START: f64 = 3.0;
/// What it grows by for each byte that arrives. With this and [`START`] it grows 2.5-fold in a round
/// trip: on 200 ms and 50 Mbit/s it brought 42.0 Mbit/s in 8 s, doubling 40.5 (simulated). A fourth
/// more than that brought 42.6, but half as much again was lost when the path was full.
const LEAP: u64 = 2;
/// Rounds that deliver this much more show that the path is not full (BBR draft, 4.3.2.2: 1.25,
/// which a push alone does not quite reach).
const GROWTH: f64 = 1.2;
/// Rounds without growth that show that it is.
const STALLED: u32 = 3;
/// Rounds after starting up in which its losses show.
const GRACE: u32 = 2;
/// A round trip varies so much without any queue.
const JITTER: Duration = Duration::from_millis(4);
/// The steps of cruising; each takes a round trip (BBR draft, 4.3.4.1).
const GAINS: [f64; 8] = [UP, DOWN, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
const UP: f64 = 1.25;
const DOWN: f64 = 0.75;
/// What has to be on its way when a push for more is over.
const PUSHED: f64 = 1.1;
/// The window while looking for the shortest round trip.
const HALF: f64 = 0.5;
/// How long to look, besides a round trip (BBR draft, 4.3.5).
const LOOK: Duration = Duration::from_millis(200);
/// Packets in a round from which on the share that was lost means something.
const ENOUGH: u64 = 32;
