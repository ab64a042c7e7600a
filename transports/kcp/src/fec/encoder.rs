//! Numbering datagrams and making parity.

use super::{DATA, FLAG_DATA, FLAG_PARITY, PARITY, SHARD, field};

/// Parity is made only for groups whose last two datagrams are closer than this, in milliseconds
/// (protocol 2.4).
const CLOSE: u64 = 500;
/// Numbers wrap at the largest multiple of a group below 2^32 (protocol 2.4).
const WRAP: u32 = u32::MAX / 13 * 13;
const _: () = assert!(DATA + PARITY == 13 && WRAP.is_multiple_of(13));

/// The sending side.
#[derive(Debug)]
pub struct Encoder {
    next: u32,
    /// Data datagrams of this group so far.
    count: usize,
    /// The three parities side by side, one word for each byte of the longest shard.
    sums: Vec<u32>,
    last_at: u64,
    parity: bool,
}

impl Encoder {
    /// An encoder at number 0. Without `parity`, datagrams are numbered as in a group whose
    /// parity was skipped.
    #[must_use]
    pub const fn new(parity: bool) -> Self {
        Self {
            next: 0,
            count: 0,
            sums: Vec::new(),
            last_at: 0,
            parity,
        }
    }

    fn number(&mut self) -> [u8; 4] {
        let id = self.next;
        self.next = if id + 1 >= WRAP { 0 } else { id + 1 };
        id.to_le_bytes()
    }

    /// Fills in the header of a data datagram, whose KCP packet begins at [`HEADER`](super::HEADER).
    /// Answers whether the three parities must follow, see [`parity`](Self::parity).
    pub fn data(&mut self, datagram: &mut [u8], now: u64) -> bool {
        let id = self.number();
        let Some((head, shard)) = datagram.split_at_mut_checked(SHARD) else {
            return false;
        };
        let flag = FLAG_DATA.to_le_bytes();
        let size = u16::try_from(shard.len()).unwrap_or(u16::MAX).to_le_bytes();
        for (to, from) in head.iter_mut().zip(id.into_iter().chain(flag)) {
            *to = from;
        }
        for (to, from) in shard.iter_mut().zip(size) {
            *to = from;
        }
        if !self.parity {
            return false;
        }
        if self.count == 0 {
            self.sums.clear();
        }
        self.add(shard);
        let close = now.saturating_sub(self.last_at) < CLOSE;
        self.last_at = now;
        self.count += 1;
        if self.count < DATA {
            return false;
        }
        self.count = 0;
        close
    }

    fn add(&mut self, shard: &[u8]) {
        if self.sums.len() < shard.len() {
            self.sums.resize(shard.len(), 0);
        }
        let Some(shares) = field::SHARES.get(self.count) else {
            return;
        };
        for (sum, byte) in self.sums.iter_mut().zip(shard) {
            *sum ^= shares.get(usize::from(*byte)).copied().unwrap_or_default();
        }
    }

    /// Appends a parity datagram of the group that has just become complete.
    pub fn parity(&mut self, index: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.number());
        out.extend_from_slice(&FLAG_PARITY.to_le_bytes());
        let pick = |sum: &u32| sum.to_le_bytes().get(index).copied().unwrap_or_default();
        out.extend(self.sums.iter().map(pick));
    }
}
