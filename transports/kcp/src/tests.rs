//! Conversations over links that lose, delay, repeat and reorder; captures; sockets; floods.

mod captures;
mod floods;
mod link;
mod simulated;
mod sockets;

/// Bytes that differ by position and by `seed`.
fn pattern(seed: u64, len: usize) -> Vec<u8> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        bytes.extend_from_slice(&random.next().to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// xorshift: the same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// True in `percent` of a hundred cases.
    fn one_in_hundred(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }
}
