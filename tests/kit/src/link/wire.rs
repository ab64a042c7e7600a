//! One direction of a link, without I/O: packets and time come in, packets that are due come out.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use crate::Payload;

/// What a link does to packets, in each direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// One way.
    pub delay: Duration,
    /// The part of all packets that is lost, 0 to 1.
    pub loss: f64,
    /// Bits per second.
    pub rate: u64,
    /// Packets that may wait where the rate is limited; more are dropped.
    pub queue: u32,
    /// Whether UDP passes.
    pub udp: bool,
}

impl Default for Shape {
    /// 25 ms each way, 100 Mbit/s and three times what is under way then as a queue, no loss.
    fn default() -> Self {
        Self {
            delay: Duration::from_millis(25),
            loss: 0.0,
            rate: 100_000_000,
            queue: 300,
            udp: true,
        }
    }
}

/// Bytes of the packets in which the queue is counted.
const FULL: u64 = 1500;

/// Where an IPv4 header tells its protocol, and the number of UDP (RFC 791, RFC 768).
const PROTOCOL: usize = 9;
const UDP: u8 = 17;

/// One direction.
#[derive(Debug)]
pub(super) struct Wire {
    shape: Shape,
    chance: Payload,
    /// When what was sent so far has left the sender.
    free: Option<Instant>,
    under_way: VecDeque<(Instant, Vec<u8>)>,
}

impl Wire {
    /// An empty one, which loses the packets that `seed` decides.
    pub(super) const fn new(shape: Shape, seed: u64) -> Self {
        Self {
            shape,
            chance: Payload::new(seed),
            free: None,
            under_way: VecDeque::new(),
        }
    }

    /// Takes a packet that is sent at `now`.
    pub(super) fn offer(&mut self, now: Instant, packet: &[u8]) {
        let udp = packet.get(PROTOCOL) == Some(&UDP);
        if udp && !self.shape.udp || self.is_lost() {
            return;
        }
        let free = self.free.map_or(now, |free| free.max(now));
        let room = self.takes(u64::from(self.shape.queue) * FULL);
        if free.duration_since(now) > room {
            return;
        }
        let sent = free + self.takes(packet.len() as u64);
        self.free = Some(sent);
        let due = sent + self.shape.delay;
        self.under_way.push_back((due, packet.to_owned()));
    }

    /// A packet that has arrived by `now`.
    pub(super) fn due(&mut self, now: Instant) -> Option<Vec<u8>> {
        let arrived = self.under_way.pop_front_if(|(due, _)| *due <= now)?;
        Some(arrived.1)
    }

    /// When the next packet arrives.
    pub(super) fn next(&self) -> Option<Instant> {
        Some(self.under_way.front()?.0)
    }

    fn is_lost(&mut self) -> bool {
        let drawn = self.chance.take(4).try_into().map_or(0, u32::from_le_bytes);
        f64::from(drawn) < self.shape.loss * f64::from(u32::MAX)
    }

    /// How long `bytes` take at the rate of the link.
    fn takes(&self, bytes: u64) -> Duration {
        let nanos = bytes.saturating_mul(8_000_000_000) / self.shape.rate.max(1);
        Duration::from_nanos(nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 8 Mbit/s: a byte takes a microsecond.
    const SHAPE: Shape = Shape {
        delay: Duration::from_millis(10),
        loss: 0.0,
        rate: 8_000_000,
        queue: 2,
        udp: true,
    };

    #[test]
    fn packets_arrive_one_behind_the_other() {
        let (mut wire, now) = (Wire::new(SHAPE, 1), Instant::now());
        wire.offer(now, &[1; 1000]);
        wire.offer(now, &[2; 1000]);
        let first = now + Duration::from_millis(11);
        assert_eq!(wire.next(), Some(first));
        assert_eq!(wire.due(first - Duration::from_nanos(1)), None);
        assert_eq!(wire.due(first), Some(vec![1; 1000]));
        assert_eq!(wire.next(), Some(first + Duration::from_millis(1)));
    }

    #[test]
    fn a_full_queue_drops_what_comes() {
        let (mut wire, now) = (Wire::new(SHAPE, 1), Instant::now());
        for _ in 0..10 {
            wire.offer(now, &[0; 1500]);
        }
        // Two wait, one is being sent.
        assert_eq!(wire.under_way.len(), 3);
    }

    #[test]
    fn loss_and_blocked_datagrams() {
        let mut udp = [0; 40];
        udp[PROTOCOL] = UDP;
        let blocked = Shape {
            udp: false,
            ..SHAPE
        };
        let mut wire = Wire::new(blocked, 1);
        wire.offer(Instant::now(), &udp);
        wire.offer(Instant::now(), &[0; 40]);
        assert_eq!(wire.under_way.len(), 1);
        let lossy = Shape {
            loss: 0.5,
            queue: u32::MAX,
            ..SHAPE
        };
        let mut wire = Wire::new(lossy, 1);
        for _ in 0..1000 {
            wire.offer(Instant::now(), &[0; 40]);
        }
        assert!((400..600).contains(&wire.under_way.len()));
    }
}
