//! Users' datagrams as datagrams of a transport, not as messages: what stands in front of them, and
//! how one that is longer than the path allows is cut into parts.
//!
//! This is ours, not upstream's, and travels between our own programs only; both say at the start
//! of a work or visitor connection that they know it ([`FORMAT`]). Every packet stands alone: it
//! may be lost or overtaken, and what was lost is not sent again.
//!
//! ```text
//! whole packet:  flags | user | bytes
//! first part:    flags | packet u16 | index u8 = 0 | last u8 | user | bytes
//! other parts:   flags | packet u16 | index u8     | last u8 | bytes
//!
//! flags u8:      bits 0 and 1: what `user` is; bit 2: a part; the others are 0
//! user:          0: nothing, in parts after the first
//!                1: IPv4 address, port u16
//!                2: IPv6 address, port u16
//!                3: IPv6 address, port u16, length u8 and text of the zone
//! ```
//!
//! Numbers are big endian. Parts of one packet have the same number, which counts up and wraps.

mod reassembly;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::{Buf, BufMut, Bytes};

use crate::{
    WireError,
    limits::{PARTS, UDP_PAYLOAD},
    msg::{UdpAddr, UdpPacket},
};
pub use reassembly::Reassembly;

/// The number of this format, as `datagrams` says it in `NewWorkConn`, `StartWorkConn`,
/// `NewVisitorConn` and `NewVisitorConnResp`.
pub const FORMAT: u16 = 1;

const USER: u8 = 0b11;
const V4: u8 = 1;
const V6: u8 = 2;
const V6_ZONE: u8 = 3;
const PART: u8 = 0b100;

/// Bytes in front of a part after the first: flags, number, index, last.
const PART_HEAD: usize = 5;

/// What one datagram of a transport has in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A packet.
    Whole(UdpPacket),
    /// A part of one.
    Part(Part),
}

/// A part of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The packet's number.
    packet: u16,
    /// The part's place, at most `last`.
    index: u8,
    /// The place of the packet's last part; at least 1.
    last: u8,
    /// The packet's user; in the first part only.
    user: Option<UdpAddr>,
    bytes: Bytes,
}

impl Piece {
    /// Reads what a peer sent.
    ///
    /// # Errors
    /// [`WireError::BadDatagram`]; it is to be dropped, nothing else.
    pub fn read(mut datagram: Bytes) -> Result<Self, WireError> {
        const CUT: WireError = WireError::BadDatagram("it is too short");
        let flags = datagram.try_get_u8().map_err(|_| CUT)?;
        if flags & !(USER | PART) != 0 {
            return Err(WireError::BadDatagram("it has unknown flags"));
        }
        let part = if flags & PART == 0 {
            None
        } else {
            let packet = datagram.try_get_u16().map_err(|_| CUT)?;
            let index = datagram.try_get_u8().map_err(|_| CUT)?;
            let last = datagram.try_get_u8().map_err(|_| CUT)?;
            if last == 0 || index > last || usize::from(last) >= PARTS {
                return Err(WireError::BadDatagram("its parts cannot be so many"));
            }
            Some((packet, index, last))
        };
        let user = read_user(flags & USER, &mut datagram).ok_or(CUT)?;
        let first = part.is_none_or(|(_, index, _)| index == 0);
        if first != user.is_some() {
            return Err(WireError::BadDatagram("its user is in another part"));
        }
        if datagram.len() > UDP_PAYLOAD {
            return Err(WireError::BadDatagram("it is too long"));
        }
        Ok(match part {
            None => Self::Whole(UdpPacket {
                c: datagram,
                l: None,
                r: user,
            }),
            Some((packet, index, last)) => Self::Part(Part {
                packet,
                index,
                last,
                user,
                bytes: datagram,
            }),
        })
    }
}

/// The user in front of `bytes`, if there is to be one; `None` if it is cut off or no text.
#[expect(
    clippy::option_option,
    reason = "whether it could be read, and whether there is one"
)]
fn read_user(form: u8, bytes: &mut Bytes) -> Option<Option<UdpAddr>> {
    let ip = match form {
        0 => return Some(None),
        V4 => IpAddr::from(Ipv4Addr::from(bytes.try_get_u32().ok()?)),
        _ => IpAddr::from(Ipv6Addr::from(bytes.try_get_u128().ok()?)).to_canonical(),
    };
    let port = bytes.try_get_u16().ok()?.into();
    let mut zone = String::new();
    if form == V6_ZONE {
        let len = usize::from(bytes.try_get_u8().ok()?);
        let text = bytes.get(..len)?;
        let text = std::str::from_utf8(text).ok()?;
        // IPv4 addresses, which may hide in the form of IPv6, have none.
        if ip.is_ipv6() {
            text.clone_into(&mut zone);
        }
        bytes.advance(len);
    }
    Some(Some(UdpAddr {
        ip: Some(ip),
        port,
        zone,
    }))
}

/// Appends a user's address; answers what it is, or nothing if it is none that has a form here.
fn write_user(user: &UdpAddr, out: &mut Vec<u8>) -> Option<u8> {
    let port = u16::try_from(user.port).ok()?;
    match user.ip?.to_canonical() {
        IpAddr::V4(ip) => {
            out.put_u32(ip.to_bits());
            out.put_u16(port);
            Some(V4)
        }
        IpAddr::V6(ip) => {
            out.put_u128(ip.to_bits());
            out.put_u16(port);
            if user.zone.is_empty() {
                return Some(V6);
            }
            out.put_u8(u8::try_from(user.zone.len()).ok()?);
            out.put_slice(user.zone.as_bytes());
            Some(V6_ZONE)
        }
    }
}

/// Makes datagrams of packets.
#[derive(Debug, Default)]
pub struct Splitter {
    /// The number of the next packet that is cut.
    next: u16,
    user: Vec<u8>,
    head: Vec<u8>,
}

impl Splitter {
    /// The most that stands in front of a whole packet whose user has no zone.
    pub const HEAD: usize = 1 + 16 + 2;

    /// Gives the packet to `send`, in datagrams of at most `room` bytes, each in two pieces that
    /// belong together: what we put in front, and bytes of the packet. Answers whether all were
    /// taken. A packet is not given at all if it would be cut into too many parts, or if its user's
    /// address has no form here.
    pub fn split(
        &mut self,
        packet: &UdpPacket,
        room: usize,
        mut send: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> bool {
        self.user.clear();
        let Some(form) = packet
            .r
            .as_ref()
            .and_then(|user| write_user(user, &mut self.user))
        else {
            return false;
        };
        let bytes = &*packet.c;
        if 1 + self.user.len() + bytes.len() <= room {
            self.head.clear();
            self.head.push(form);
            self.head.extend_from_slice(&self.user);
            return send(&self.head, bytes);
        }
        let Some(parts) = Parts::plan(bytes, room, self.user.len()) else {
            return false;
        };
        let packet = self.next;
        self.next = self.next.wrapping_add(1);
        let last = parts.last;
        parts.zip(0..).all(|(part, index): (_, u8)| {
            let flags = if index == 0 { PART | form } else { PART };
            self.head.clear();
            self.head.push(flags);
            self.head.put_u16(packet);
            self.head.extend_from_slice(&[index, last]);
            if index == 0 {
                self.head.extend_from_slice(&self.user);
            }
            send(&self.head, part)
        })
    }
}

/// The parts of one packet.
struct Parts<'a> {
    rest: &'a [u8],
    /// Bytes of the next part.
    next: usize,
    /// Bytes of those after it.
    other: usize,
    last: u8,
}

impl<'a> Parts<'a> {
    /// Cuts `bytes` so that each part fits into `room`, the first with `user` bytes more in front.
    fn plan(bytes: &'a [u8], room: usize, user: usize) -> Option<Self> {
        let other = room.checked_sub(PART_HEAD)?;
        let first = other.checked_sub(user)?;
        let rest = bytes.len().checked_sub(first)?;
        let last = rest.div_ceil(other.max(1));
        if other == 0 || last == 0 || last >= PARTS || bytes.len() > UDP_PAYLOAD {
            return None;
        }
        Some(Self {
            rest: bytes,
            next: first,
            other,
            last: u8::try_from(last).ok()?,
        })
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let (part, rest) = self
            .rest
            .split_at_checked(self.next)
            .unwrap_or((self.rest, &[]));
        (self.rest, self.next) = (rest, self.other);
        Some(part)
    }
}
