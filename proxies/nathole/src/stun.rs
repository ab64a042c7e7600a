//! The part of STUN (RFC 8489) that tells a client under which address others see it.
//!
//! A request without attributes, and from its answer the address that the server saw and the
//! server's other address, if it has one (protocol 6.2).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Tells STUN from other datagrams (RFC 8489, section 5).
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// Type, length, cookie and transaction id.
const HEADER: usize = 20;
/// Type and length in front of an attribute.
const ATTRIBUTE: usize = 4;

const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;

const MAPPED_ADDRESS: u16 = 0x0001;
/// The older name of OTHER-ADDRESS (RFC 3489, section 11.2.3).
const CHANGED_ADDRESS: u16 = 0x0005;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
/// RFC 5780, section 7.4.
const OTHER_ADDRESS: u16 = 0x802c;

/// Ties an answer to its request.
pub type TransactionId = [u8; 12];

/// What an answer says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Where the server saw the request come from.
    pub mapped: Option<SocketAddr>,
    /// Another address of the server, from which it can be asked once more.
    pub other: Option<SocketAddr>,
}

/// A datagram is not the answer that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StunError {
    /// It is not STUN, or was cut.
    #[error("not a STUN message")]
    Malformed,
    /// It is STUN, but answers another request, or refuses.
    #[error("not the answer to our request")]
    Other,
}

/// A binding request.
#[must_use]
pub fn request(id: TransactionId) -> [u8; HEADER] {
    let mut out = [0; HEADER];
    let head = BINDING_REQUEST.to_be_bytes().into_iter().chain([0, 0]);
    let bytes = head.chain(COOKIE).chain(id);
    for (place, byte) in out.iter_mut().zip(bytes) {
        *place = byte;
    }
    out
}

/// Reads the answer to the request with this id.
///
/// # Errors
/// It is another datagram; the answer may still come.
pub fn read(datagram: &[u8], id: TransactionId) -> Result<Answer, StunError> {
    let mut rest = datagram;
    let kind = take_u16(&mut rest)?;
    let length = usize::from(take_u16(&mut rest)?);
    if take::<4>(&mut rest)? != COOKIE {
        return Err(StunError::Malformed);
    }
    if take::<12>(&mut rest)? != id || kind != BINDING_SUCCESS {
        return Err(StunError::Other);
    }
    // What follows the message in the datagram is no part of it.
    let body = rest.get(..length).ok_or(StunError::Malformed)?;
    attributes(body, id)
}

fn attributes(mut body: &[u8], id: TransactionId) -> Result<Answer, StunError> {
    let (mut xored, mut plain, mut other, mut changed) = (None, None, None, None);
    while body.len() >= ATTRIBUTE {
        let kind = take_u16(&mut body)?;
        let length = usize::from(take_u16(&mut body)?);
        let value = body.get(..length).ok_or(StunError::Malformed)?;
        // Attributes begin at multiples of four; old servers leave the last one's padding out.
        let next = length.next_multiple_of(4).min(body.len());
        body = body.get(next..).unwrap_or_default();
        // The first of a kind counts (RFC 8489, section 14).
        match kind {
            XOR_MAPPED_ADDRESS => xored = xored.or_else(|| address(value, Some(id))),
            MAPPED_ADDRESS => plain = plain.or_else(|| address(value, None)),
            OTHER_ADDRESS => other = other.or_else(|| address(value, None)),
            CHANGED_ADDRESS => changed = changed.or_else(|| address(value, None)),
            _ => {}
        }
    }
    Ok(Answer {
        mapped: xored.or(plain),
        other: other.or(changed),
    })
}

/// An address, perhaps hidden from NATs that rewrite what looks like one (RFC 8489, section 14.2).
fn address(mut value: &[u8], hidden: Option<TransactionId>) -> Option<SocketAddr> {
    let mut mask = [0; 16];
    if let Some(id) = hidden {
        for (place, byte) in mask.iter_mut().zip(COOKIE.into_iter().chain(id)) {
            *place = byte;
        }
    }
    let [_, family] = take(&mut value).ok()?;
    let port = take_u16(&mut value).ok()? ^ u16::from_be_bytes([mask[0], mask[1]]);
    let mask = u128::from_be_bytes(mask);
    let ip = match family {
        1 => {
            let high = u32::try_from(mask >> 96).ok()?;
            let bits = u32::from_be_bytes(take(&mut value).ok()?);
            IpAddr::from(Ipv4Addr::from_bits(bits ^ high))
        }
        2 => {
            let bits = u128::from_be_bytes(take(&mut value).ok()?);
            IpAddr::from(Ipv6Addr::from_bits(bits ^ mask))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

fn take<const N: usize>(from: &mut &[u8]) -> Result<[u8; N], StunError> {
    let (head, rest) = from.split_first_chunk().ok_or(StunError::Malformed)?;
    *from = rest;
    Ok(*head)
}

fn take_u16(from: &mut &[u8]) -> Result<u16, StunError> {
    take(from).map(u16::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The id of the samples of RFC 5769.
    const ID: TransactionId = [
        0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae,
    ];

    fn message(kind: u16, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (kind, value) in attributes {
            body.extend(kind.to_be_bytes());
            body.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
            body.extend(*value);
            body.resize(body.len().next_multiple_of(4), 0x20);
        }
        let mut out = kind.to_be_bytes().to_vec();
        out.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
        out.extend(COOKIE);
        out.extend(ID);
        out.extend(body);
        out
    }

    #[test]
    fn a_request_is_a_header_and_nothing_else() {
        let sent = request(ID);
        assert_eq!(sent[..8], [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]);
        assert_eq!(sent[8..], ID);
    }

    /// RFC 5769, sections 2.2 and 2.3, as far as the addresses go.
    #[test]
    fn the_samples_of_the_rfc_are_read() {
        let software = (0x8022, b"test vector".as_slice());
        let v4 = [0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43];
        let got = read(&message(BINDING_SUCCESS, &[software, (0x20, &v4)]), ID).unwrap();
        assert_eq!(got.mapped, Some("192.0.2.1:32853".parse().unwrap()));
        assert_eq!(got.other, None);
        let v6 = [
            0, 2, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4,
            0xb5, 0xbe, 0xd2, 0xb9, 0xd9,
        ];
        let got = read(&message(BINDING_SUCCESS, &[software, (0x20, &v6)]), ID).unwrap();
        let expected = "[2001:db8:1234:5678:11:2233:4455:6677]:32853";
        assert_eq!(got.mapped, Some(expected.parse().unwrap()));
    }

    #[test]
    fn old_servers_are_understood() {
        let mapped: &[u8] = &[0, 1, 0x10, 0x92, 203, 0, 113, 5];
        let changed: &[u8] = &[0, 1, 0x0d, 0x97, 203, 0, 113, 9];
        let answer = message(BINDING_SUCCESS, &[(1, mapped), (5, changed)]);
        let got = read(&answer, ID).unwrap();
        assert_eq!(got.mapped, Some("203.0.113.5:4242".parse().unwrap()));
        assert_eq!(got.other, Some("203.0.113.9:3479".parse().unwrap()));
    }

    #[test]
    fn the_new_attributes_win_and_the_first_of_a_kind_counts() {
        let address = |last| [0, 1, 0, 1, 203, 0, 113, last];
        let answer = message(
            BINDING_SUCCESS,
            &[
                (5, &address(1)),
                (OTHER_ADDRESS, &address(2)),
                (OTHER_ADDRESS, &address(3)),
                (1, &address(4)),
            ],
        );
        let got = read(&answer, ID).unwrap();
        assert_eq!(got.other, Some("203.0.113.2:1".parse().unwrap()));
        assert_eq!(got.mapped, Some("203.0.113.4:1".parse().unwrap()));
    }

    #[test]
    fn other_datagrams_are_told_apart() {
        let good = message(BINDING_SUCCESS, &[(1, &[0, 1, 0, 1, 1, 2, 3, 4])]);
        for cut in 0..good.len() {
            assert_eq!(read(&good[..cut], ID), Err(StunError::Malformed), "{cut}");
        }
        assert_eq!(read(&good, [0; 12]), Err(StunError::Other));
        let refusal = message(0x0111, &[]);
        assert_eq!(read(&refusal, ID), Err(StunError::Other));
        let mut foreign = good;
        foreign[4] = 0;
        assert_eq!(read(&foreign, ID), Err(StunError::Malformed));
        let strange = message(BINDING_SUCCESS, &[(1, &[0, 9, 0, 1]), (0x20, &[])]);
        assert_eq!(read(&strange, ID), Ok(Answer::default()));
    }
}
