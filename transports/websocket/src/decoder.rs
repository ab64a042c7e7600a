//! Frames to bytes of the stream, in the memory that they were read into.

use crate::{
    Header, Kind, Mask, Violation,
    frame::{CONTROL, LONGEST},
};

/// Which end of the connection we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// We dialled: our frames are masked, the peer's are not.
    Client,
    /// We accepted: the peer's frames are masked, ours are not.
    Server,
}

/// Takes the headers out of received bytes and the masks off.
///
/// Any length is fine for a frame of data: its payload is passed on as it comes and never kept.
/// Of pings only the last unanswered one is kept, 125 bytes at most.
#[derive(Debug)]
pub struct Decoder {
    role: Role,
    state: State,
    /// A header that is not complete.
    head: [u8; LONGEST],
    have: usize,
    /// The payload of a ping that is not complete, and of the last that was.
    ping: Vec<u8>,
    ready: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Head,
    Payload {
        kind: Kind,
        left: u64,
        mask: Option<Mask>,
    },
    Closed,
    Failed(Violation),
}

impl Decoder {
    /// For frames that come to an end in this role.
    #[must_use]
    pub const fn new(role: Role) -> Self {
        Self {
            role,
            state: State::Head,
            head: [0; LONGEST],
            have: 0,
            ping: Vec::new(),
            ready: None,
        }
    }

    /// Takes the next received bytes; the bytes of the stream among them are moved to the front of
    /// `bytes`. Answers how many those are. What comes after a close frame or a violation is
    /// ignored.
    pub fn decode(&mut self, bytes: &mut [u8]) -> usize {
        let (mut read, mut filled) = (0, 0);
        loop {
            let rest = bytes.get(read..).unwrap_or_default();
            match self.state {
                State::Head if !rest.is_empty() => match self.header(rest) {
                    Ok(used) => read += used,
                    Err(violation) => self.state = State::Failed(violation),
                },
                State::Payload { kind, left: 0, .. } => self.end(kind),
                State::Payload { kind, left, mask } if !rest.is_empty() => {
                    let n = usize::try_from(left).map_or(rest.len(), |l| l.min(rest.len()));
                    let to = if kind == Kind::Data { filled } else { read };
                    if to != read {
                        bytes.copy_within(read..read + n, to);
                    }
                    let piece = bytes.get_mut(to..to + n).unwrap_or_default();
                    let mask = mask.map(|mut mask| {
                        mask.apply(piece);
                        mask
                    });
                    match kind {
                        Kind::Data => filled += n,
                        Kind::Ping => self.ping.extend_from_slice(piece),
                        Kind::Pong | Kind::Close => {}
                    }
                    read += n;
                    let left = left - u64::try_from(n).unwrap_or(left);
                    self.state = State::Payload { kind, left, mask };
                }
                _ => return filled,
            }
        }
    }

    /// The payload of the last ping that came since this was asked; older ones need no answer
    /// (RFC 6455, section 5.5.3).
    pub const fn take_ping(&mut self) -> Option<Vec<u8>> {
        self.ready.take()
    }

    /// Whether the peer sent a close frame.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// How the peer broke the rules, if it did.
    #[must_use]
    pub const fn violation(&self) -> Option<Violation> {
        match self.state {
            State::Failed(violation) => Some(violation),
            _ => None,
        }
    }

    /// Whether the next byte is the first of a frame: the stream may end here.
    #[must_use]
    pub const fn is_between_frames(&self) -> bool {
        matches!(self.state, State::Head) && self.have == 0
    }

    /// Takes bytes of a header from the front of `rest`; answers how many.
    fn header(&mut self, rest: &[u8]) -> Result<usize, Violation> {
        let have = self.have;
        let room = self.head.get_mut(have..).unwrap_or_default();
        let n = room.len().min(rest.len());
        if let (Some(room), Some(rest)) = (room.get_mut(..n), rest.get(..n)) {
            room.copy_from_slice(rest);
        }
        match Header::parse(self.head.get(..have + n).unwrap_or_default())? {
            Some((header, size)) => {
                self.have = 0;
                self.begin(header)?;
                Ok(size.saturating_sub(have))
            }
            None => {
                self.have += n;
                Ok(n)
            }
        }
    }

    fn begin(&mut self, header: Header) -> Result<(), Violation> {
        match (self.role, header.key) {
            (Role::Server, None) => return Err(Violation::Unmasked),
            (Role::Client, Some(_)) => return Err(Violation::Masked),
            _ => {}
        }
        let Header { kind, len, key } = header;
        if kind == Kind::Ping {
            self.ping = Vec::with_capacity(usize::try_from(len.min(CONTROL)).unwrap_or_default());
        }
        self.state = match kind {
            // As upstream: what the frame says does not matter, and no close is sent back.
            Kind::Close => State::Closed,
            _ => State::Payload {
                kind,
                left: len,
                mask: key.map(Mask::new),
            },
        };
        Ok(())
    }

    fn end(&mut self, kind: Kind) {
        if kind == Kind::Ping {
            self.ready = Some(std::mem::take(&mut self.ping));
        }
        self.state = State::Head;
    }
}

#[cfg(test)]
mod tests;
