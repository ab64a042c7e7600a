//! Upstream's forward error correction: 10 datagrams of data, then 3 of parity (protocol 2.4).
//!
//! A group's parity lets up to 3 of its 13 datagrams get lost. Each shard is what follows the
//! number and the flag: a 16-bit size and the KCP packet.

mod decoder;
mod encoder;
mod field;

pub use decoder::Decoder;
pub use encoder::Encoder;

/// Data datagrams of a group.
pub const DATA: usize = 10;
/// Parity datagrams of a group.
pub const PARITY: usize = 3;
/// Bytes in front of the KCP packet of a data datagram: number, flag, size.
pub const HEADER: usize = 8;
/// Bytes in front of a shard: number and flag.
const SHARD: usize = 6;
/// The flag of data.
const FLAG_DATA: u16 = 0x00f1;
/// The flag of parity.
const FLAG_PARITY: u16 = 0x00f2;
/// Datagrams below this length are dropped unseen (protocol 2.4).
const SHORTEST: usize = 24;

/// What a datagram is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A KCP packet without FEC.
    Raw(&'a [u8]),
    /// A KCP packet in a group.
    Data {
        /// The datagram's number.
        id: u32,
        /// The packet.
        packet: &'a [u8],
    },
    /// Parity of a group.
    Parity {
        /// The datagram's number.
        id: u32,
    },
}

impl<'a> Frame<'a> {
    /// Tells what a datagram is, or `None` for one that is too short.
    #[must_use]
    pub fn parse(datagram: &'a [u8]) -> Option<Self> {
        if datagram.len() < SHORTEST {
            return None;
        }
        let (id, rest) = datagram.split_first_chunk::<4>()?;
        let (flag, rest) = rest.split_first_chunk::<2>()?;
        let id = u32::from_le_bytes(*id);
        match u16::from_le_bytes(*flag) {
            FLAG_DATA => Some(Self::Data {
                id,
                packet: rest.get(HEADER - SHARD..)?,
            }),
            FLAG_PARITY => Some(Self::Parity { id }),
            _ => Some(Self::Raw(datagram)),
        }
    }
}

#[cfg(test)]
mod tests;
