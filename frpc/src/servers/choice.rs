//! Which of several servers serves: a state machine without I/O; time comes in as an argument.

use std::{fmt, time::Duration};

use culvert_conf::ServerPolicy;
use tokio::time::Instant;

use super::vitals::{Sight, Up};

/// How long a better server may take to come up at the start before a worse one that is there
/// serves.
const HEAD_START: Duration = Duration::from_secs(1);
/// How long a preferred server must answer without a pause before it serves again, and how long
/// one that was chosen for its speed stays chosen.
const HOLD: Duration = Duration::from_secs(10);
/// The longest wait of a preferred server that comes and goes.
const LONGEST_HOLD: Duration = Duration::from_secs(600);
/// One that goes again within this time after it came back waits twice as long the next time.
const FLAP: Duration = Duration::from_secs(300);
/// How much faster another server must answer: by this part of the round trip …
const FASTER_PART: f64 = 0.3;
/// … and by this much …
const FASTER_BY: Duration = Duration::from_millis(10);
/// … as many times in a row.
const FASTER_TIMES: u32 = 3;

/// Why another server serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// None did before.
    First,
    /// The one before is gone.
    Gone,
    /// The one before does not answer.
    Silent,
    /// This one is preferred, and is back.
    Back,
    /// This one answers faster.
    Faster,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First => "it is the best that is there",
            Self::Gone => "the one before is gone",
            Self::Silent => "the one before does not answer",
            Self::Back => "it is preferred and has been back for a while",
            Self::Faster => "it answers faster",
        })
    }
}

/// Chooses the server that serves. Where all of them publish, it is the one for visitors.
#[derive(Debug)]
pub(crate) struct Choice {
    policy: ServerPolicy,
    began: Instant,
    current: Option<usize>,
    /// When it changed last.
    changed: Instant,
    /// How long a preferred server must be back.
    hold: Duration,
    /// When the current server came back, if that is why it serves.
    back: Option<Instant>,
    rival: Option<Rival>,
}

/// Who was faster than the current server at its last answers.
#[derive(Clone, Copy, Debug)]
struct Rival {
    index: usize,
    /// Its answers when it was compared last.
    answers: u64,
    times: u32,
}

impl Choice {
    pub(crate) const fn new(policy: ServerPolicy, now: Instant) -> Self {
        Self {
            policy,
            began: now,
            current: None,
            changed: now,
            hold: HOLD,
            back: None,
            rival: None,
        }
    }

    /// The server that serves, by its place in the list.
    pub(crate) const fn current(&self) -> Option<usize> {
        self.current
    }

    /// Whether the server at `index` is to publish the proxies.
    pub(crate) fn publishes(&self, index: usize) -> bool {
        self.policy == ServerPolicy::ActiveActive || self.current == Some(index)
    }

    /// Looks at all servers, in the order of preference, at `now`. Says why, if another one serves
    /// from now on.
    pub(crate) fn look(&mut self, now: Instant, sights: &[Sight]) -> Option<Why> {
        let (next, why) = self.next(now, sights)?;
        if self.current.is_some() && why != Why::Back && self.back.is_some() {
            let flaps = self.back.is_some_and(|at| now < at + FLAP);
            self.hold = if flaps { self.hold * 2 } else { HOLD }.min(LONGEST_HOLD);
        }
        self.back = (why == Why::Back).then_some(now);
        self.current = Some(next);
        self.changed = now;
        self.rival = None;
        Some(why)
    }

    fn next(&mut self, now: Instant, sights: &[Sight]) -> Option<(usize, Why)> {
        let Some(current) = self.current else {
            return Some((self.first(now, sights)?, Why::First));
        };
        let why = match sights.get(current) {
            Some(Sight::Up(up)) => return self.better(now, sights, current, *up),
            Some(Sight::Silent) => Why::Silent,
            _ => Why::Gone,
        };
        // Where none is up, the one that served may be the first to be so again.
        let best = self.best(sights)?;
        Some((best, why))
    }

    /// The first choice, once nothing better is about to come up.
    fn first(&self, now: Instant, sights: &[Sight]) -> Option<usize> {
        let best = self.best(sights)?;
        let may_be_better = |(index, sight): (usize, &Sight)| match self.policy {
            ServerPolicy::Failover | ServerPolicy::ActiveActive => {
                index < best && *sight == Sight::Unknown
            }
            ServerPolicy::Latency => match sight {
                Sight::Unknown => true,
                Sight::Up(up) => up.round_trip.is_none(),
                Sight::Down | Sight::Silent => false,
            },
        };
        let waits = sights.iter().enumerate().any(may_be_better);
        (!waits || now >= self.began + HEAD_START).then_some(best)
    }

    /// The best that is up, whatever serves now.
    fn best(&self, sights: &[Sight]) -> Option<usize> {
        let mut up = sights.iter().enumerate().filter_map(|(index, sight)| {
            let trip = sight.up()?.round_trip;
            Some((index, trip.unwrap_or(Duration::MAX)))
        });
        let best = match self.policy {
            ServerPolicy::Failover | ServerPolicy::ActiveActive => up.next(),
            ServerPolicy::Latency => up.min_by_key(|(_, trip)| *trip),
        };
        best.map(|(index, _)| index)
    }

    /// A better one than `current`, which is up.
    fn better(
        &mut self,
        now: Instant,
        sights: &[Sight],
        current: usize,
        here: Up,
    ) -> Option<(usize, Why)> {
        if self.policy == ServerPolicy::Latency {
            let index = self.faster(now, sights, here)?;
            return Some((index, Why::Faster));
        }
        let mut preferred = sights.iter().take(current);
        let is_back = |sight: &Sight| sight.up().is_some_and(|up| now >= up.since + self.hold);
        Some((preferred.position(is_back)?, Why::Back))
    }

    fn faster(&mut self, now: Instant, sights: &[Sight], here: Up) -> Option<usize> {
        let index = self.best(sights)?;
        let there = sights.get(index)?.up()?;
        if !is_faster(there, here) {
            self.rival = None;
            return None;
        }
        let before = self.rival.filter(|rival| rival.index == index);
        let times = match before {
            Some(rival) if rival.answers == there.answers => rival.times,
            Some(rival) => rival.times.saturating_add(1),
            None => 1,
        };
        self.rival = Some(Rival {
            index,
            answers: there.answers,
            times,
        });
        (times >= FASTER_TIMES && now >= self.changed + HOLD).then_some(index)
    }
}

fn is_faster(there: Up, here: Up) -> bool {
    let (Some(there), Some(here)) = (there.round_trip, here.round_trip) else {
        return false;
    };
    there + here.mul_f64(FASTER_PART).max(FASTER_BY) <= here
}

#[cfg(test)]
mod tests;
