//! Finding groups in what arrives, and working out what is missing.
//!
//! A sender may skip the parity of a group and then uses no numbers for it, so that groups begin
//! anywhere. Upstream's receiver gives up when that happens. This one follows the groups from one
//! to the next, and finds its place again from where data and parity meet. A group whose place is
//! in doubt is left to retransmission: datagrams are so alike that a wrong guess can look right.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{DATA, HEADER, PARITY, SHARD, field};
use crate::core::before;

/// How many of the last datagrams are kept: two groups and some room for reordering.
const KEPT: u32 = 32;
/// How many groups are remembered: as many as are kept, and one.
const REMEMBERED: usize = 4;

#[derive(Clone, Debug, Default)]
struct Slot {
    id: u32,
    parity: bool,
    /// Empty when nothing is known of this number.
    shard: Bytes,
}

/// The receiving side.
#[derive(Debug, Default)]
pub struct Decoder {
    slots: Vec<Slot>,
    /// Where the parity of the last groups begins, the newest last.
    starts: VecDeque<u32>,
    /// Where the group after the last known one begins; senders begin with number 0.
    next: u32,
}

/// A possible group: what is missing of it, and the parity at hand.
struct Group {
    missing: Vec<u32>,
    first: u32,
    parity: Vec<(usize, Bytes)>,
}

impl Decoder {
    /// A decoder that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a data datagram, complete with its header. Answers KCP packets that it completes.
    pub fn data(&mut self, id: u32, datagram: &Bytes, valid: impl Fn(&[u8]) -> bool) -> Vec<Bytes> {
        if !self.keep(id, false, datagram) {
            return Vec::new();
        }
        // Only one that comes after its group's parity can complete anything.
        let of_group = |start: &&u32| (1..=10).contains(&start.wrapping_sub(id));
        match self.starts.iter().find(of_group).copied() {
            Some(start) => self.complete(start, valid),
            None => Vec::new(),
        }
    }

    /// Takes a parity datagram, complete with its header. Answers KCP packets that it completes.
    pub fn parity(
        &mut self,
        id: u32,
        datagram: &Bytes,
        valid: impl Fn(&[u8]) -> bool,
    ) -> Vec<Bytes> {
        if !self.keep(id, true, datagram) {
            return Vec::new();
        }
        let Some(start) = self.start_of(id) else {
            return Vec::new();
        };
        if !self.starts.contains(&start) {
            if self.starts.len() >= REMEMBERED {
                self.starts.pop_front();
            }
            self.starts.push_back(start);
        }
        if before(self.next, start) {
            self.next = start.wrapping_add(3);
        }
        self.complete(start, valid)
    }

    /// Where the parity that has this number in it begins, if that is beyond doubt.
    fn start_of(&self, id: u32) -> Option<u32> {
        let possible = |start: &u32| self.kinds_fit(*start);
        let known = self
            .starts
            .iter()
            .copied()
            .find(|start| id.wrapping_sub(*start) < 3);
        if let Some(start) = known.or_else(|| self.follow(id)).filter(possible) {
            return Some(start);
        }
        let mut all = (0..3)
            .map(|behind| id.wrapping_sub(behind))
            .filter(possible);
        all.next().filter(|_| all.next().is_none())
    }

    /// The same, counted from the last known group: some groups of 10 and some of 13 further. For
    /// so few groups no two ways of counting meet.
    fn follow(&self, id: u32) -> Option<u32> {
        let groups = (1..=4).flat_map(|groups| (0..groups).map(move |full| groups * 10 + full * 3));
        let mut starts = groups.map(|ahead| self.next.wrapping_add(ahead));
        starts.find(|start| id.wrapping_sub(*start) < 3)
    }

    /// Ten numbers that are not parity, three that are not data.
    fn kinds_fit(&self, start: u32) -> bool {
        let is = |id: u32, parity: bool| self.get(id).is_some_and(|slot| slot.parity == parity);
        !(1..=10).any(|i| is(start.wrapping_sub(i), true))
            && !(0..3).any(|i| is(start.wrapping_add(i), false))
    }

    /// Bytes held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.slots.iter().map(|slot| slot.shard.len()).sum()
    }

    fn keep(&mut self, id: u32, parity: bool, datagram: &Bytes) -> bool {
        if datagram.len() <= HEADER {
            return false;
        }
        if self.slots.is_empty() {
            let count = usize::try_from(KEPT).unwrap_or_default();
            self.slots.resize(count, Slot::default());
        }
        let Some(slot) = place(id).and_then(|at| self.slots.get_mut(at)) else {
            return false;
        };
        // Nothing newer makes way, and nothing is replaced by a copy of itself.
        let age = slot.id.wrapping_sub(id);
        if !slot.shard.is_empty() && age < u32::MAX / 2 {
            return false;
        }
        *slot = Slot {
            id,
            parity,
            shard: datagram.slice(SHARD..),
        };
        true
    }

    fn get(&self, id: u32) -> Option<&Slot> {
        let slot = place(id).and_then(|at| self.slots.get(at))?;
        (slot.id == id && !slot.shard.is_empty()).then_some(slot)
    }

    /// Works out what is missing of a group.
    fn complete(&mut self, start: u32, valid: impl Fn(&[u8]) -> bool) -> Vec<Bytes> {
        let Some(group) = self.group(start) else {
            return Vec::new();
        };
        let shards = self.solve(&group);
        let packets: Vec<_> = shards.iter().map_while(packet).collect();
        if packets.len() < group.missing.len() || !packets.iter().all(|p| valid(p)) {
            return Vec::new();
        }
        for (id, shard) in group.missing.iter().zip(shards) {
            self.remember(*id, shard);
        }
        packets
    }

    /// What has been worked out need not be again.
    fn remember(&mut self, id: u32, shard: Bytes) {
        if let Some(slot) = place(id).and_then(|at| self.slots.get_mut(at)) {
            *slot = Slot {
                id,
                parity: false,
                shard,
            };
        }
    }

    /// The group whose parity begins at `start`, if what we hold can be one and completes it.
    fn group(&self, start: u32) -> Option<Group> {
        let first = start.wrapping_sub(10);
        let mut missing = Vec::new();
        let mut longest = 0;
        for id in (0..10).map(|i| first.wrapping_add(i)) {
            match self.get(id) {
                Some(slot) if slot.parity => return None,
                Some(slot) => longest = longest.max(slot.shard.len()),
                None => missing.push(id),
            }
        }
        let mut parity = Vec::new();
        for (index, id) in (0..PARITY).zip((0..3).map(|i| start.wrapping_add(i))) {
            match self.get(id) {
                Some(slot) if !slot.parity => return None,
                Some(slot) => parity.push((index, slot.shard.clone())),
                None => {}
            }
        }
        let len = parity.first()?.1.len();
        let plausible = len >= longest && parity.iter().all(|(_, shard)| shard.len() == len);
        let enough = !missing.is_empty() && missing.len() <= parity.len();
        (plausible && enough).then_some(Group {
            missing,
            first,
            parity,
        })
    }

    /// As many equations as there are unknown shards, solved by elimination.
    fn solve(&self, group: &Group) -> Vec<Bytes> {
        let column = |id: u32| usize::try_from(id.wrapping_sub(group.first)).unwrap_or(DATA);
        let mut rows: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for (index, shard) in group.parity.iter().take(group.missing.len()) {
            let mut sum = shard.to_vec();
            for id in (0..10).map(|i| group.first.wrapping_add(i)) {
                if let Some(slot) = self.get(id) {
                    field::add(
                        &mut sum,
                        &slot.shard,
                        field::coefficient(*index, column(id)),
                    );
                }
            }
            let unknown = group.missing.iter().map(|id| column(*id));
            let factors = unknown.map(|c| field::coefficient(*index, c)).collect();
            rows.push((factors, sum));
        }
        let mut solved: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for column in 0..rows.len() {
            let factor = |row: &(Vec<u8>, Vec<u8>)| row.0.get(column).copied().unwrap_or_default();
            let Some(at) = rows.iter().position(|row| factor(row) != 0) else {
                return Vec::new();
            };
            let mut pivot = rows.swap_remove(at);
            let inverse = field::invert(factor(&pivot));
            pivot = (scaled(&pivot.0, inverse), scaled(&pivot.1, inverse));
            for row in rows.iter_mut().chain(&mut solved) {
                let factor = factor(row);
                field::add(&mut row.0, &pivot.0, factor);
                field::add(&mut row.1, &pivot.1, factor);
            }
            solved.push(pivot);
        }
        solved.into_iter().map(|(_, shard)| shard.into()).collect()
    }
}

fn scaled(bytes: &[u8], factor: u8) -> Vec<u8> {
    let mut out = vec![0; bytes.len()];
    field::add(&mut out, bytes, factor);
    out
}

fn place(id: u32) -> Option<usize> {
    usize::try_from(id % KEPT).ok()
}

/// The KCP packet in a shard: a size that counts itself, the packet, then only zeros.
fn packet(shard: &Bytes) -> Option<Bytes> {
    let (size, _) = shard.split_first_chunk::<2>()?;
    let size = usize::from(u16::from_le_bytes(*size));
    let padding = shard.get(size..)?;
    if size < 2 || padding.iter().any(|byte| *byte != 0) {
        return None;
    }
    Some(shard.slice(2..size))
}
