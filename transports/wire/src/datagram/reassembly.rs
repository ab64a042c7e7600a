//! Packets that are not complete yet, within bounds that no peer can stretch.

use std::{collections::VecDeque, time::Duration};

use bytes::{Bytes, BytesMut};

use super::{Part, Piece};
use crate::{
    limits::{HELD_BYTES, HELD_PACKETS, HELD_TIME, UDP_PAYLOAD},
    msg::{UdpAddr, UdpPacket},
};

/// Puts the parts of packets together again, in whatever order they come. A packet that lacks a
/// part for too long is dropped, and so is the oldest one when there are too many.
///
/// Time is what the caller's clock says, from any beginning.
#[derive(Debug, Default)]
pub struct Reassembly {
    /// The oldest first.
    packets: VecDeque<Incomplete>,
    /// Of all parts that are held.
    bytes: usize,
}

#[derive(Debug)]
struct Incomplete {
    number: u16,
    begun: Duration,
    user: Option<UdpAddr>,
    parts: Vec<Option<Bytes>>,
    missing: usize,
    bytes: usize,
}

impl Reassembly {
    /// Takes what came at `now`; answers a packet if that completes one.
    pub fn take(&mut self, piece: Piece, now: Duration) -> Option<UdpPacket> {
        match piece {
            Piece::Whole(packet) => Some(packet),
            Piece::Part(part) => {
                self.expire(now);
                self.add(part, now)
            }
        }
    }

    /// When the oldest packet is to be dropped; `None` while there is none.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let oldest = self.packets.front()?;
        Some(oldest.begun.saturating_add(HELD_TIME))
    }

    /// Drops packets that have waited for too long.
    pub fn expire(&mut self, now: Duration) {
        while self.deadline().is_some_and(|deadline| deadline <= now) {
            self.drop_at(0);
        }
    }

    /// Packets that wait, and their bytes.
    #[must_use]
    pub fn held(&self) -> (usize, usize) {
        (self.packets.len(), self.bytes)
    }

    fn drop_at(&mut self, place: usize) -> Option<Incomplete> {
        let packet = self.packets.remove(place)?;
        self.bytes = self.bytes.saturating_sub(packet.bytes);
        Some(packet)
    }

    fn add(&mut self, part: Part, now: Duration) -> Option<UdpPacket> {
        let known = |one: &Incomplete| one.number == part.packet;
        if !self.packets.iter().any(known) {
            if self.packets.len() >= HELD_PACKETS {
                self.drop_at(0);
            }
            self.packets.push_back(Incomplete::new(&part, now));
        }
        while self.bytes.saturating_add(part.bytes.len()) > HELD_BYTES {
            self.drop_at(0)?;
        }
        // It may have been the oldest one itself.
        let place = self.packets.iter().position(known)?;
        let packet = self.packets.get_mut(place)?;
        let Some(added) = packet.add(part) else {
            self.drop_at(place);
            return None;
        };
        let complete = packet.missing == 0;
        self.bytes = self.bytes.saturating_add(added);
        if complete {
            self.drop_at(place).map(Incomplete::join)
        } else {
            None
        }
    }
}

impl Incomplete {
    fn new(part: &Part, now: Duration) -> Self {
        let parts = usize::from(part.last) + 1;
        Self {
            number: part.packet,
            begun: now,
            user: None,
            parts: vec![None; parts],
            missing: parts,
            bytes: 0,
        }
    }

    /// Adds a part; answers how many bytes are new, or nothing if the part contradicts the others.
    fn add(&mut self, part: Part) -> Option<usize> {
        if self.parts.len() != usize::from(part.last) + 1 {
            return None;
        }
        let place = self.parts.get_mut(usize::from(part.index))?;
        if place.is_some() {
            return Some(0);
        }
        let len = part.bytes.len();
        if self.bytes + len > UDP_PAYLOAD {
            return None;
        }
        // A copy: what came may be a piece of something much longer.
        *place = Some(Bytes::copy_from_slice(&part.bytes));
        self.missing = self.missing.saturating_sub(1);
        self.bytes += len;
        self.user = self.user.take().or(part.user);
        Some(len)
    }

    fn join(self) -> UdpPacket {
        let mut whole = BytesMut::with_capacity(self.bytes);
        for part in self.parts.iter().flatten() {
            whole.extend_from_slice(part);
        }
        UdpPacket {
            c: whole.freeze(),
            l: None,
            r: self.user,
        }
    }
}
