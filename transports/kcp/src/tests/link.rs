//! A link in memory between two conversations, in simulated time.

use std::collections::BTreeMap;

use super::Random;
use crate::{Conversation, Parameters};

/// What the link does to datagrams.
#[derive(Clone, Copy)]
pub(super) struct Weather {
    /// Percent that get lost.
    pub loss: u64,
    /// Percent that arrive twice.
    pub repeat: u64,
    /// Milliseconds on the way.
    pub delay: u64,
    /// Up to so many milliseconds more, at random: reorders.
    pub jitter: u64,
    /// Nothing passes between these times.
    pub silent: (u64, u64),
    /// Bytes that pass in a millisecond, and bytes that may wait for it.
    pub wire: (u64, u64),
}

impl Default for Weather {
    fn default() -> Self {
        Self {
            loss: 0,
            repeat: 0,
            delay: 10,
            jitter: 0,
            silent: (0, 0),
            wire: (u64::MAX, u64::MAX),
        }
    }
}

/// Two ends and what is between them.
pub(super) struct Link {
    pub ends: [Conversation; 2],
    pub now: u64,
    pub datagrams: u64,
    pub largest: usize,
    /// Tampers with what one end sends: false drops it.
    pub gate: fn(&[u8]) -> bool,
    weather: Weather,
    /// Bytes that wait for the wire each way, as of when, and the longest that any waited.
    waiting: [(u64, u64); 2],
    pub longest_wait: [u64; 2],
    random: Random,
    way: BTreeMap<(u64, u64), (usize, Vec<u8>)>,
}

impl Link {
    pub(super) fn new(parameters: [Parameters; 2], weather: Weather) -> Self {
        Self {
            ends: parameters.map(|p| Conversation::new(7, &p, false, 0)),
            now: 0,
            datagrams: 0,
            largest: 0,
            gate: |_| true,
            weather,
            waiting: [(0, 0); 2],
            longest_wait: [0; 2],
            random: Random(88_172_645_463_325_252),
            way: BTreeMap::new(),
        }
    }

    /// How long a datagram waits for the wire; nothing if the queue is full.
    fn queue(&mut self, from: usize, len: usize) -> Option<u64> {
        let (rate, most) = self.weather.wire;
        let (waiting, since) = self.waiting[from];
        let left = waiting.saturating_sub((self.now - since).saturating_mul(rate));
        let all = left + len as u64;
        if all > most {
            return None;
        }
        self.waiting[from] = (all, self.now);
        let wait = all / rate;
        self.longest_wait[from] = self.longest_wait[from].max(wait);
        Some(wait)
    }

    fn carry(&mut self) {
        for from in 0..2 {
            while let Some(datagram) = self.ends[from].outbox().front().map(<[u8]>::to_vec) {
                self.ends[from].outbox().pop();
                self.datagrams += 1;
                self.largest = self.largest.max(datagram.len());
                let Weather {
                    loss,
                    repeat,
                    delay,
                    jitter,
                    silent,
                    wire: _,
                } = self.weather;
                let Some(wait) = self.queue(from, datagram.len()) else {
                    continue;
                };
                let quiet = silent.0 <= self.now && self.now < silent.1;
                if quiet || self.random.one_in_hundred(loss) || !(self.gate)(&datagram) {
                    continue;
                }
                let copies = 1 + u64::from(self.random.one_in_hundred(repeat));
                for _ in 0..copies {
                    let late = self.random.next() % (jitter + 1);
                    let key = (
                        self.now + wait + delay + late,
                        self.datagrams * 2 + self.way.len() as u64,
                    );
                    self.way.insert(key, (1 - from, datagram.clone()));
                }
            }
        }
    }

    /// Sends what both ends have, then goes to the next event and handles it. False when nothing
    /// will ever happen again.
    pub(super) fn step(&mut self) -> bool {
        for end in &mut self.ends {
            end.flush(self.now);
        }
        self.carry();
        let arrival = self.way.first_key_value().map(|(key, _)| key.0);
        let timers = self.ends.iter().filter_map(Conversation::wake_at);
        let Some(next) = timers.chain(arrival).min() else {
            return false;
        };
        self.now = next.max(self.now);
        while let Some(entry) = self.way.first_entry()
            && entry.key().0 <= self.now
        {
            let (to, datagram) = entry.remove();
            self.ends[to].input(&datagram, self.now);
        }
        for end in &mut self.ends {
            if end.wake_at().is_some_and(|at| at <= self.now) {
                end.on_time(self.now);
            }
        }
        self.carry();
        true
    }

    /// Sends `bytes` from one end to the other, and `back` the other way; both must arrive whole.
    pub(super) fn transfer(&mut self, bytes: &[u8], back: &[u8]) {
        let wanted = [bytes, back];
        let (mut sent, mut got) = ([0, 0], [Vec::new(), Vec::new()]);
        while got[1].len() < bytes.len() || got[0].len() < back.len() {
            for end in 0..2 {
                let rest = &wanted[end][sent[end]..];
                sent[end] += self.ends[end].write(&rest[..rest.len().min(16_384)]);
                while let Some(chunk) = self.ends[end].read(usize::MAX) {
                    got[end].extend_from_slice(&chunk);
                }
                assert!(!self.ends[end].is_dead(self.now), "died at {}", self.now);
                assert!(self.ends[end].held() < 5 << 20);
            }
            if got[1].len() == bytes.len() && got[0].len() == back.len() {
                break;
            }
            assert!(self.step(), "stuck at {}", self.now);
        }
        assert!(got[1] == bytes && got[0] == back);
    }
}
