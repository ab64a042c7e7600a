//! The header of a frame (RFC 6455, section 5.2).

use crate::Violation;

/// What a frame is for. Continuation, text and binary are alike: the stream has no messages, and
/// peers before the change to binary send text with any bytes (protocol 2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes of the stream.
    Data,
    /// The peer sends no more.
    Close,
    /// To be answered with a pong of the same payload.
    Ping,
    /// An answer to a ping; we send none.
    Pong,
}

/// The most bytes that a header has: two, a 64-bit length and a key.
pub(crate) const LONGEST: usize = 14;
/// The most payload of a control frame (RFC 6455, section 5.5).
pub(crate) const CONTROL: u64 = 125;

/// The flag of a last or only fragment.
const FIN: u8 = 0x80;
/// The flag of a frame with a masking key.
const MASKED: u8 = 0x80;
/// The opcodes (RFC 6455, section 11.8).
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the frame is for.
    pub kind: Kind,
    /// Bytes of payload.
    pub len: u64,
    /// The masking key, if the payload is masked.
    pub key: Option<[u8; 4]>,
}

impl Header {
    /// Reads the header at the front of `bytes`; answers it with its size, or `None` while bytes
    /// are missing. The reserved bits are ignored, as upstream does (protocol 2.6).
    ///
    /// # Errors
    /// The opcode or the length breaks the rules.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Violation> {
        let Some((&[first, second], rest)) = bytes.split_first_chunk::<2>() else {
            return Ok(None);
        };
        let kind = kind(first & 0x0f)?;
        let (len, rest) = match second & !MASKED {
            126 => match rest.split_first_chunk::<2>() {
                Some((len, rest)) => (u64::from(u16::from_be_bytes(*len)), rest),
                None => return Ok(None),
            },
            127 => match rest.split_first_chunk::<8>() {
                Some((len, rest)) => (u64::from_be_bytes(*len), rest),
                None => return Ok(None),
            },
            len => (u64::from(len), rest),
        };
        if len > u64::MAX >> 1 {
            return Err(Violation::Length);
        }
        if kind != Kind::Data && (len > CONTROL || first & FIN == 0) {
            return Err(Violation::Control);
        }
        let (key, rest) = if second & MASKED == 0 {
            (None, rest)
        } else {
            match rest.split_first_chunk::<4>() {
                Some((key, rest)) => (Some(*key), rest),
                None => return Ok(None),
            }
        };
        Ok(Some((Self { kind, len, key }, bytes.len() - rest.len())))
    }

    /// The header as bytes: binary and unfragmented, with the shortest form of the length.
    #[must_use]
    pub fn encode(&self) -> Head {
        let opcode = match self.kind {
            Kind::Data => BINARY,
            Kind::Close => CLOSE,
            Kind::Ping => PING,
            Kind::Pong => PONG,
        };
        let mask = if self.key.is_some() { MASKED } else { 0 };
        let mut head = Head::default();
        match (u8::try_from(self.len), u16::try_from(self.len)) {
            (Ok(len @ 0..=125), _) => head.push(&[FIN | opcode, mask | len]),
            (_, Ok(len)) => {
                head.push(&[FIN | opcode, mask | 126]);
                head.push(&len.to_be_bytes());
            }
            _ => {
                head.push(&[FIN | opcode, mask | 127]);
                head.push(&self.len.to_be_bytes());
            }
        }
        if let Some(key) = &self.key {
            head.push(key);
        }
        head
    }
}

const fn kind(opcode: u8) -> Result<Kind, Violation> {
    match opcode {
        CONTINUATION | TEXT | BINARY => Ok(Kind::Data),
        CLOSE => Ok(Kind::Close),
        PING => Ok(Kind::Ping),
        PONG => Ok(Kind::Pong),
        other => Err(Violation::Opcode(other)),
    }
}

/// The bytes of a header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Head {
    fn push(&mut self, more: &[u8]) {
        let end = self.len + more.len();
        if let Some(room) = self.bytes.get_mut(self.len..end) {
            room.copy_from_slice(more);
            self.len = end;
        }
    }
}

impl AsRef<[u8]> for Head {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Option<[u8; 4]> = Some([1, 2, 3, 4]);

    fn data(len: u64, key: Option<[u8; 4]>) -> Header {
        let kind = Kind::Data;
        Header { kind, len, key }
    }

    #[test]
    fn headers_have_the_shortest_form() {
        for (len, key, bytes) in [
            (0, None, "8200"),
            (125, None, "827d"),
            (126, None, "827e007e"),
            (65535, None, "827effff"),
            (65536, None, "827f0000000000010000"),
            (5, KEY, "828501020304"),
            (179, KEY, "82fe00b301020304"),
            (262_144, KEY, "82ff000000000004000001020304"),
        ] {
            let head = data(len, key).encode();
            let hex: String = head.as_ref().iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(hex, bytes);
        }
    }

    fn round(header: Header) {
        let head = header.encode();
        let bytes = head.as_ref();
        for cut in 0..bytes.len() {
            assert_eq!(Header::parse(&bytes[..cut]), Ok(None));
        }
        let more = [bytes, b"payload"].concat();
        assert_eq!(Header::parse(&more), Ok(Some((header, bytes.len()))));
    }

    #[test]
    fn what_is_written_is_read_back_and_not_a_byte_too_early() {
        for key in [None, KEY] {
            for kind in [Kind::Data, Kind::Close, Kind::Ping, Kind::Pong] {
                for len in [0, 1, 125] {
                    round(Header { kind, len, key });
                }
            }
            for len in [126, 65535, 65536, u64::MAX >> 1] {
                round(data(len, key));
            }
        }
    }

    #[test]
    fn text_continuation_fragments_and_reserved_bits_are_data() {
        for first in [0x00, 0x80, 0x01, 0x81, 0x02, 0x82, 0xf2, 0x70] {
            assert_eq!(Header::parse(&[first, 3]), Ok(Some((data(3, None), 2))));
        }
    }

    #[test]
    fn lengths_need_not_be_short() {
        let long = [0x82, 127, 0, 0, 0, 0, 0, 0, 0, 5];
        assert_eq!(Header::parse(&long), Ok(Some((data(5, None), 10))));
    }

    #[test]
    fn violations() {
        for opcode in (3..8).chain(11..16) {
            let parsed = Header::parse(&[0x80 | opcode, 0]);
            assert_eq!(parsed, Err(Violation::Opcode(opcode)));
        }
        let huge = [0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(Header::parse(&huge), Err(Violation::Length));
        assert_eq!(Header::parse(&[0x89, 126, 0, 126]), Err(Violation::Control));
        assert_eq!(Header::parse(&[0x09, 1]), Err(Violation::Control));
    }
}
