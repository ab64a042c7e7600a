//! Arithmetic in GF(2^8) with the polynomial 0x11d, and the code's coefficients.

use super::{DATA, PARITY};

/// The polynomial without its highest term (protocol 2.4).
const POLYNOMIAL: u8 = 0x1d;

/// The parity rows of the systematic Vandermonde code (protocol 10).
pub(super) const ROWS: [[u8; DATA]; PARITY] = [
    [0x81, 0x96, 0xaf, 0xb8, 0xd2, 0xc4, 0xfe, 0xe8, 0x03, 0x02],
    [0x96, 0x81, 0xb8, 0xaf, 0xc4, 0xd2, 0xe8, 0xfe, 0x02, 0x03],
    [0xbf, 0xd6, 0x62, 0x0a, 0x06, 0x6f, 0xdf, 0xb7, 0x05, 0x04],
];

/// For each data shard and byte value, what it adds to the three parities, side by side.
pub(super) static SHARES: [[u32; 256]; DATA] = shares();

/// The product of two elements.
pub(super) const fn mul(a: u8, b: u8) -> u8 {
    let (mut a, mut b, mut product) = (a, b, 0);
    while b != 0 {
        if b & 1 != 0 {
            product ^= a;
        }
        a = (a << 1) ^ if a & 0x80 != 0 { POLYNOMIAL } else { 0 };
        b >>= 1;
    }
    product
}

/// The inverse of an element: its 254th power. 0 has none and gives 0.
pub(super) fn invert(a: u8) -> u8 {
    let mut product = 1;
    for _ in 0..254 {
        product = mul(product, a);
    }
    product
}

/// Adds `factor` times `from` to `to`, over the length of the shorter.
pub(super) fn add(to: &mut [u8], from: &[u8], factor: u8) {
    let mut table = [0; 256];
    for (value, product) in (0..=u8::MAX).zip(&mut table) {
        *product = mul(value, factor);
    }
    for (to, from) in to.iter_mut().zip(from) {
        *to ^= table.get(usize::from(*from)).copied().unwrap_or_default();
    }
}

/// The coefficient of a data shard in a parity shard.
pub(super) fn coefficient(parity: usize, data: usize) -> u8 {
    let row = ROWS.get(parity).and_then(|row| row.get(data));
    row.copied().unwrap_or_default()
}

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "runs at compile time, where a mistake is an error; indices are below 256"
)]
const fn shares() -> [[u32; 256]; DATA] {
    let mut tables = [[0; 256]; DATA];
    let mut data = 0;
    while data < DATA {
        let mut value = 0;
        while value < 256 {
            let byte = value as u8;
            tables[data][value] = u32::from_le_bytes([
                mul(byte, ROWS[0][data]),
                mul(byte, ROWS[1][data]),
                mul(byte, ROWS[2][data]),
                0,
            ]);
            value += 1;
        }
        data += 1;
    }
    tables
}
