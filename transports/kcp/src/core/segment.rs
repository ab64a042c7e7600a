//! The 24 bytes in front of every segment (protocol 2.4), little-endian.

/// Bytes of a segment's header.
pub const HEADER: usize = 24;
/// The longest KCP packet; the FEC header is not counted (protocol 2.4).
pub const MTU: usize = 1350;
/// The most payload of one segment.
pub const MSS: usize = MTU - HEADER;

/// What a segment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Carries data.
    Push,
    /// Acknowledges one segment.
    Ack,
    /// Asks for the window.
    Ask,
    /// Tells the window.
    Tell,
}

/// A segment's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The conversation.
    pub conv: u32,
    /// What it is for.
    pub command: Command,
    /// How many segments the sender of this one can take.
    pub window: u16,
    /// The sender's clock in milliseconds; an acknowledgement echoes the receiver's.
    pub ts: u32,
    /// The segment's number, or the one that is acknowledged.
    pub sn: u32,
    /// Everything before this number has arrived.
    pub una: u32,
    /// Bytes of payload that follow.
    pub len: u32,
}

impl Header {
    /// The header of a segment and what follows it. `frg` is ignored: in a byte stream it is 0,
    /// and pieces of a message are read in order all the same.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (conv, rest) = bytes.split_first_chunk::<4>()?;
        let (&[command, _frg], rest) = rest.split_first_chunk::<2>()?;
        let (window, rest) = rest.split_first_chunk::<2>()?;
        let (ts, rest) = rest.split_first_chunk::<4>()?;
        let (sn, rest) = rest.split_first_chunk::<4>()?;
        let (una, rest) = rest.split_first_chunk::<4>()?;
        let (len, rest) = rest.split_first_chunk::<4>()?;
        let command = match command {
            81 => Command::Push,
            82 => Command::Ack,
            83 => Command::Ask,
            84 => Command::Tell,
            _ => return None,
        };
        let header = Self {
            conv: u32::from_le_bytes(*conv),
            command,
            window: u16::from_le_bytes(*window),
            ts: u32::from_le_bytes(*ts),
            sn: u32::from_le_bytes(*sn),
            una: u32::from_le_bytes(*una),
            len: u32::from_le_bytes(*len),
        };
        Some((header, rest))
    }

    /// The header as it is on the wire.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER] {
        let command = match self.command {
            Command::Push => 81,
            Command::Ack => 82,
            Command::Ask => 83,
            Command::Tell => 84,
        };
        let mut out = [0; HEADER];
        let fields = self
            .conv
            .to_le_bytes()
            .into_iter()
            .chain([command, 0])
            .chain(self.window.to_le_bytes())
            .chain(self.ts.to_le_bytes())
            .chain(self.sn.to_le_bytes())
            .chain(self.una.to_le_bytes())
            .chain(self.len.to_le_bytes());
        for (to, from) in out.iter_mut().zip(fields) {
            *to = from;
        }
        out
    }

    /// Whether the segment carries the first bytes of a conversation.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.command == Command::Push && self.sn == 0 && self.len > 0
    }

    /// Whether `packet` is segments of this conversation from its first byte to its last.
    #[must_use]
    pub fn all_of(conv: u32, packet: &[u8]) -> bool {
        let mut rest = packet;
        while !rest.is_empty() {
            let after = Self::parse(rest)
                .filter(|(h, _)| h.conv == conv)
                .and_then(|(header, after)| after.get(usize::try_from(header.len).ok()?..));
            match after {
                Some(after) => rest = after,
                None => return false,
            }
        }
        !packet.is_empty()
    }
}
