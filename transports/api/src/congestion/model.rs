//! What is known of a path: how fast it delivers, and how long a round trip takes.

use std::{collections::VecDeque, time::Duration};

/// The model of a path (delivery rate: draft-cheng-iccrg-delivery-rate-estimation).
#[derive(Clone, Debug)]
pub(crate) struct Model {
    least_trip: Duration,
    /// Bytes ever acknowledged, and when that was last said.
    delivered: u64,
    delivered_at: Duration,
    /// When the packet that was acknowledged last had been sent.
    first_sent: Duration,
    /// What was known when packets left that are still on their way, oldest first.
    marks: VecDeque<Mark>,
    /// The newest packet of the acknowledgement at hand, and the bytes in it.
    newest: Option<Duration>,
    acked: u64,
    /// Nothing was on its way.
    idle: bool,
    /// Until so much is delivered, samples show how little there was to send.
    limited_until: u64,
    /// The round ends when a packet is acknowledged that left after so much was delivered.
    round_end: u64,
    round: u64,
    /// The best of each of the last rounds that had enough to send, bytes per second.
    rates: [f64; ROUNDS],
    rates_of: u64,
    at: usize,
    shortest: Option<Duration>,
    shortest_at: Duration,
    /// The shortest since the last look.
    since_look: Option<Duration>,
}

/// What was known when packets left.
#[derive(Clone, Copy, Debug)]
struct Mark {
    sent: Duration,
    delivered: u64,
    delivered_at: Duration,
    first_sent: Duration,
    limited: bool,
}

/// What an acknowledgement shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) rtt: Duration,
    pub(crate) acked: u64,
    pub(crate) ends_round: bool,
    /// There was less to send than the path could take.
    pub(crate) limited: bool,
}

impl Model {
    /// Round trips shorter than `least_trip` count as that long.
    pub(crate) fn new(now: Duration, least_trip: Duration) -> Self {
        Self {
            least_trip,
            delivered: 0,
            delivered_at: now,
            first_sent: now,
            marks: VecDeque::new(),
            newest: None,
            acked: 0,
            idle: true,
            limited_until: 0,
            round_end: 0,
            round: 0,
            rates: [0.0; ROUNDS],
            rates_of: 0,
            at: 0,
            shortest: None,
            shortest_at: now,
            since_look: None,
        }
    }

    /// Bytes per second that the path delivers.
    pub(crate) fn rate(&self) -> f64 {
        self.rates.iter().copied().fold(0.0, f64::max)
    }

    /// The shortest round trip of the last seconds.
    pub(crate) fn shortest(&self) -> Option<Duration> {
        self.shortest.map(|trip| trip.max(self.least_trip))
    }

    /// Bytes that are on their way when the path is full and no queue is.
    pub(crate) fn holds(&self) -> Option<f64> {
        let rate = Some(self.rate()).filter(|rate| *rate > 0.0)?;
        Some(rate * self.shortest()?.as_secs_f64())
    }

    /// Whether the shortest round trip was long ago.
    pub(crate) fn is_stale(&self, now: Duration) -> bool {
        now.saturating_sub(self.shortest_at) > FRESH
    }

    /// Believes the shortest round trip of late in place of an old one.
    pub(crate) fn refresh(&mut self, now: Duration) {
        self.shortest = self.since_look.take().or(self.shortest);
        self.shortest_at = now;
    }

    /// Forgets all rates but the last round's.
    pub(crate) fn forget_rates(&mut self) {
        let last = self.rates.get(self.at).copied().unwrap_or_default();
        self.rates = [last; ROUNDS];
    }

    pub(crate) fn on_sent(&mut self, now: Duration) {
        if std::mem::take(&mut self.idle) {
            self.delivered_at = now;
            self.first_sent = now;
        }
        if self.marks.back().is_some_and(|mark| mark.sent >= now) {
            return;
        }
        if self.marks.len() >= MARKS {
            self.marks.pop_front();
        }
        self.marks.push_back(Mark {
            sent: now,
            delivered: self.delivered,
            delivered_at: self.delivered_at,
            first_sent: self.first_sent,
            limited: self.limited_until > self.delivered,
        });
    }

    pub(crate) fn on_ack(&mut self, now: Duration, sent: Option<Duration>, bytes: u64) {
        self.delivered += bytes;
        self.delivered_at = now;
        self.acked += bytes;
        self.newest = self.newest.max(sent);
    }

    /// Sums an acknowledgement up; nothing if it says nothing new.
    pub(crate) fn on_end_acks(
        &mut self,
        now: Duration,
        in_flight: u64,
        limited: bool,
    ) -> Option<Sample> {
        self.idle = in_flight == 0;
        if limited {
            // Also for what leaves next, if nothing is on its way.
            self.limited_until = self.delivered + in_flight + 1;
        }
        let sent = self.newest.take()?;
        let acked = std::mem::take(&mut self.acked);
        while self.marks.front().is_some_and(|mark| mark.sent < sent) {
            self.marks.pop_front();
        }
        let mark = *self.marks.front().filter(|mark| mark.sent == sent)?;
        self.first_sent = mark.sent;
        let rtt = now.saturating_sub(sent);
        self.note_rtt(now, rtt);
        let ends_round = mark.delivered >= self.round_end;
        if ends_round {
            self.round_end = self.delivered;
            self.round += 1;
        }
        let acking = now.saturating_sub(mark.delivered_at);
        let sending = mark.sent.saturating_sub(mark.first_sent);
        let took = acking.max(sending);
        // What seems faster than a round trip came in a bundle.
        if self.shortest.is_some_and(|shortest| took >= shortest) && !took.is_zero() {
            let bytes = u32::try_from(self.delivered - mark.delivered).unwrap_or(u32::MAX);
            self.note_rate(f64::from(bytes) / took.as_secs_f64(), mark.limited);
        }
        Some(Sample {
            rtt,
            acked,
            ends_round,
            limited: mark.limited,
        })
    }

    fn note_rtt(&mut self, now: Duration, rtt: Duration) {
        let late = self.since_look.map_or(rtt, |known| known.min(rtt));
        self.since_look = Some(late);
        if self
            .shortest
            .is_none_or(|known| rtt <= known + known / NEARLY)
        {
            self.shortest = Some(self.shortest.map_or(rtt, |known| known.min(rtt)));
            self.shortest_at = now;
            self.since_look = None;
        }
    }

    fn note_rate(&mut self, rate: f64, limited: bool) {
        if limited && rate < self.rate() {
            return;
        }
        if self.rates_of != self.round {
            self.rates_of = self.round;
            self.at = (self.at + 1) % ROUNDS;
            if let Some(slot) = self.rates.get_mut(self.at) {
                *slot = 0.0;
            }
        }
        if let Some(slot) = self.rates.get_mut(self.at) {
            *slot = slot.max(rate);
        }
    }
}

/// Rounds that a rate is believed for (BBR draft, 4.1.1.3).
const ROUNDS: usize = 10;
/// How long a round trip is believed to be the shortest (BBR draft, 4.1.2.3).
const FRESH: Duration = Duration::from_secs(10);
/// A round trip that is longer by no more than one part in this many confirms the shortest: a look
/// costs half of what a round trip and some more would bring.
const NEARLY: u32 = 32;
/// Moments of sending that are remembered: more than leave within a round trip at steps of 2 ms.
const MARKS: usize = 4096;
