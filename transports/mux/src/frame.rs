//! The 12-byte yamux header: version, type, flags, stream id, length, all big endian.

use std::ops::BitOr;

use crate::ProtocolError;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `length` bytes of payload follow.
    Data,
    /// `length` is added to what the receiver may send.
    WindowUpdate,
    /// Asks for, or is, a sign of life; `length` is opaque.
    Ping,
    /// No new streams; `length` is the reason.
    GoAway,
}

/// The flags of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flags(u16);

impl Flags {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const SYN: Self = Self(1);
    pub(crate) const ACK: Self = Self(2);
    pub(crate) const FIN: Self = Self(4);
    pub(crate) const RST: Self = Self(8);

    #[cfg(test)]
    pub(crate) const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// Whether any flag of `other` is set.
    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A frame without its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) flags: Flags,
    pub(crate) stream: u32,
    pub(crate) length: u32,
}

impl Header {
    /// Bytes of a header.
    pub(crate) const LEN: usize = 12;

    pub(crate) const fn new(kind: Kind, flags: Flags, stream: u32, length: u32) -> Self {
        Self {
            kind,
            flags,
            stream,
            length,
        }
    }

    pub(crate) const fn encode(self) -> [u8; Self::LEN] {
        let kind = match self.kind {
            Kind::Data => 0,
            Kind::WindowUpdate => 1,
            Kind::Ping => 2,
            Kind::GoAway => 3,
        };
        let [f0, f1] = self.flags.0.to_be_bytes();
        let [s0, s1, s2, s3] = self.stream.to_be_bytes();
        let [l0, l1, l2, l3] = self.length.to_be_bytes();
        [0, kind, f0, f1, s0, s1, s2, s3, l0, l1, l2, l3]
    }

    /// # Errors
    /// The version is not 0 or the type is unknown. Unknown flags are ignored, as upstream does.
    pub(crate) const fn decode(bytes: [u8; Self::LEN]) -> Result<Self, ProtocolError> {
        let [version, kind, f0, f1, s0, s1, s2, s3, l0, l1, l2, l3] = bytes;
        if version != 0 {
            return Err(ProtocolError::Version(version));
        }
        let kind = match kind {
            0 => Kind::Data,
            1 => Kind::WindowUpdate,
            2 => Kind::Ping,
            3 => Kind::GoAway,
            other => return Err(ProtocolError::Type(other)),
        };
        Ok(Self {
            kind,
            flags: Flags(u16::from_be_bytes([f0, f1])),
            stream: u32::from_be_bytes([s0, s1, s2, s3]),
            length: u32::from_be_bytes([l0, l1, l2, l3]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_and_accept_frames_match_the_captured_bytes() {
        let open = Header::new(Kind::WindowUpdate, Flags::SYN, 1, 0x005c_0000);
        assert_eq!(open.encode(), [0, 1, 0, 1, 0, 0, 0, 1, 0, 0x5c, 0, 0]);
        let accept = Header::new(Kind::WindowUpdate, Flags::ACK, 1, 6_029_312);
        assert_eq!(accept.encode(), [0, 1, 0, 2, 0, 0, 0, 1, 0, 0x5c, 0, 0]);
    }

    #[test]
    fn every_header_survives_a_round_trip() {
        for kind in [Kind::Data, Kind::WindowUpdate, Kind::Ping, Kind::GoAway] {
            for flags in [Flags::NONE, Flags::SYN | Flags::FIN, Flags::ACK, Flags::RST] {
                let header = Header::new(kind, flags, 0xdead_beef, 0x0102_0304);
                assert_eq!(Header::decode(header.encode()), Ok(header));
            }
        }
    }

    #[test]
    fn bad_version_and_type_are_refused() {
        let mut bytes = Header::new(Kind::Ping, Flags::SYN, 0, 7).encode();
        bytes[0] = 1;
        assert_eq!(Header::decode(bytes), Err(ProtocolError::Version(1)));
        bytes[0] = 0;
        bytes[1] = 4;
        assert_eq!(Header::decode(bytes), Err(ProtocolError::Type(4)));
    }
}
