//! The PROXY protocol header that tells a local service who its user is (protocol 5.2, haproxy's
//! proxy-protocol.txt). Bytes only.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use culvert_conf::ProxyProtocol;
use culvert_wire::msg::StartWorkConn;

/// What the connection to the local service carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// A byte stream.
    Stream,
    /// Datagrams; the text form has no word for them.
    Datagrams,
}

/// The 12 bytes that open the binary form.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// The header of `version` for a user at `src` who connected to `dst`.
///
/// The source decides the address family, as upstream does it; addresses of the other family are
/// written in their IPv4-mapped form where the form has a fixed size.
#[must_use]
pub fn header(
    version: ProxyProtocol,
    carried: Carried,
    src: SocketAddr,
    dst: SocketAddr,
) -> Vec<u8> {
    match (version, carried) {
        (ProxyProtocol::V1, Carried::Datagrams) => b"PROXY UNKNOWN\r\n".to_vec(),
        (ProxyProtocol::V1, Carried::Stream) => text(src, dst).into_bytes(),
        (ProxyProtocol::V2, carried) => binary(carried, src, dst),
    }
}

/// The header for the user of a byte stream, if the server told who that is.
///
/// # Errors
/// The server gave something else than addresses.
pub fn user_header(version: ProxyProtocol, start: &StartWorkConn) -> io::Result<Option<Vec<u8>>> {
    if start.src_addr.is_empty() || start.src_port == 0 {
        return Ok(None);
    }
    let src = SocketAddr::new(address(&start.src_addr)?, start.src_port);
    let dst = match start.dst_addr.as_str() {
        // Nothing is known of it for http (protocol 5.2).
        "" => Ipv4Addr::LOCALHOST.into(),
        text => address(text)?,
    };
    let dst = SocketAddr::new(dst, start.dst_port);
    Ok(Some(header(version, Carried::Stream, src, dst)))
}

/// An address as servers print it, perhaps with the zone of a link-local one.
fn address(text: &str) -> io::Result<IpAddr> {
    let ip = text.split_once('%').map_or(text, |(ip, _zone)| ip);
    ip.parse().map_err(|_| {
        let text = format!("the server gave [{}] as an address", text.escape_debug());
        io::Error::new(io::ErrorKind::InvalidData, text)
    })
}

fn text(src: SocketAddr, dst: SocketAddr) -> String {
    let (from, to) = (src.ip().to_canonical(), dst.ip().to_canonical());
    let family = if from.is_ipv4() { "TCP4" } else { "TCP6" };
    format!(
        "PROXY {family} {from} {to} {} {}\r\n",
        src.port(),
        dst.port()
    )
}

fn binary(carried: Carried, src: SocketAddr, dst: SocketAddr) -> Vec<u8> {
    let (from, to) = (src.ip().to_canonical(), dst.ip().to_canonical());
    let transport: u8 = match carried {
        Carried::Stream => 1,
        Carried::Datagrams => 2,
    };
    let mut out = SIGNATURE.to_vec();
    out.push(0x21); // version 2, command PROXY
    if let (IpAddr::V4(from), IpAddr::V4(to)) = (from, to) {
        out.push(0x10 | transport);
        out.extend_from_slice(&12_u16.to_be_bytes());
        out.extend_from_slice(&from.octets());
        out.extend_from_slice(&to.octets());
    } else {
        out.push(0x20 | transport);
        out.extend_from_slice(&36_u16.to_be_bytes());
        out.extend_from_slice(&sixteen(from));
        out.extend_from_slice(&sixteen(to));
    }
    out.extend_from_slice(&src.port().to_be_bytes());
    out.extend_from_slice(&dst.port().to_be_bytes());
    out
}

fn sixteen(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn v1(src: &str, dst: &str) -> String {
        let bytes = header(ProxyProtocol::V1, Carried::Stream, addr(src), addr(dst));
        String::from_utf8(bytes).unwrap()
    }

    fn v2(carried: Carried, src: &str, dst: &str) -> String {
        let bytes = header(ProxyProtocol::V2, carried, addr(src), addr(dst));
        let (signature, rest) = bytes.split_at(12);
        assert_eq!(
            signature,
            b"\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a"
        );
        rest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn vectors_of_the_specification() {
        assert_eq!(
            v1("1.2.3.4:5678", "127.0.0.1:0"),
            "PROXY TCP4 1.2.3.4 127.0.0.1 5678 0\r\n"
        );
        assert_eq!(
            v2(Carried::Stream, "1.2.3.4:5678", "127.0.0.1:0"),
            "2111000c010203047f000001162e0000"
        );
    }

    #[test]
    fn ipv6_users() {
        assert_eq!(
            v1("[2001:db8::1]:1", "[::1]:2"),
            "PROXY TCP6 2001:db8::1 ::1 1 2\r\n"
        );
        assert_eq!(
            v1("[2001:db8::1]:1", "10.0.0.1:2"),
            "PROXY TCP6 2001:db8::1 10.0.0.1 1 2\r\n"
        );
        assert_eq!(
            v2(Carried::Stream, "[2001:db8::1]:1", "10.0.0.1:2"),
            "2121002420010db800000000000000000000000100000000000000000000ffff0a00000100010002"
        );
        assert_eq!(
            v1("[::ffff:1.2.3.4]:1", "10.0.0.1:2"),
            "PROXY TCP4 1.2.3.4 10.0.0.1 1 2\r\n"
        );
    }

    #[test]
    fn datagrams() {
        let bytes = header(
            ProxyProtocol::V1,
            Carried::Datagrams,
            addr("1.2.3.4:5"),
            addr("[::1]:1"),
        );
        assert_eq!(bytes, b"PROXY UNKNOWN\r\n");
        assert_eq!(
            v2(Carried::Datagrams, "1.2.3.4:5678", "127.0.0.1:53"),
            "2112000c010203047f000001162e0035"
        );
        assert!(v2(Carried::Datagrams, "[::1]:5", "[::1]:6").starts_with("21220024"));
    }
}
