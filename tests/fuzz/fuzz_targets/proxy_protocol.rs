//! PROXY protocol headers: for any two addresses, what is written says just these, read by the
//! rules of haproxy's proxy-protocol.txt. What a server gives as addresses is one or refused.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use culvert_conf::ProxyProtocol;
use culvert_proxies::proxy_protocol::{Carried, header, user_header};
use culvert_wire::msg::StartWorkConn;
use libfuzzer_sys::fuzz_target;

type Input<'a> = ((bool, [u8; 16], u16), (bool, [u8; 16], u16), &'a str);

fn addr((is_v4, bytes, port): (bool, [u8; 16], u16)) -> SocketAddr {
    let v6 = Ipv6Addr::from(bytes);
    let [a, b, c, d, ..] = bytes;
    let ip = if is_v4 {
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    } else {
        IpAddr::V6(v6)
    };
    SocketAddr::new(ip.to_canonical(), port)
}

/// Source and destination out of the text form, which ends the header.
fn text(header: &[u8]) -> (SocketAddr, SocketAddr) {
    assert!(header.len() <= 107, "the longest line there is");
    let line = std::str::from_utf8(header).unwrap();
    let line = line.strip_suffix("\r\n").unwrap();
    let words: Vec<&str> = line.split(' ').collect();
    let ["PROXY", family, src, dst, src_port, dst_port] = words[..] else {
        panic!("{line}");
    };
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    assert_eq!(family == "TCP4", ip(src).is_ipv4());
    let port = |text: &str| text.parse::<u16>().unwrap();
    (
        SocketAddr::new(ip(src), port(src_port)),
        SocketAddr::new(ip(dst), port(dst_port)),
    )
}

/// The same out of the binary form.
fn binary(header: &[u8], carried: u8) -> (SocketAddr, SocketAddr) {
    let rest = header.strip_prefix(b"\r\n\r\n\0\r\nQUIT\n\x21").unwrap();
    let (kind, rest) = rest.split_first().unwrap();
    assert_eq!(kind & 0x0f, carried);
    let (len, rest) = rest.split_at(2);
    assert_eq!(
        rest.len(),
        usize::from(u16::from_be_bytes([len[0], len[1]]))
    );
    let each = match kind >> 4 {
        1 => 4,
        2 => 16,
        other => panic!("family {other}"),
    };
    assert_eq!(rest.len(), 2 * each + 4);
    let ip = |bytes: &[u8]| match <[u8; 4]>::try_from(bytes) {
        Ok(v4) => IpAddr::from(v4),
        Err(_) => IpAddr::from(<[u8; 16]>::try_from(bytes).unwrap()),
    };
    let port = |at: usize| u16::from_be_bytes([rest[at], rest[at + 1]]);
    let at =
        |start: usize, port| SocketAddr::new(ip(&rest[start..start + each]).to_canonical(), port);
    (at(0, port(2 * each)), at(each, port(2 * each + 2)))
}

/// The addresses of the text form for a user whom the server names in these words.
fn told(src: (&str, u16), dst: (&str, u16)) -> Option<(SocketAddr, SocketAddr)> {
    let start = StartWorkConn {
        src_addr: src.0.to_owned(),
        src_port: src.1,
        dst_addr: dst.0.to_owned(),
        dst_port: dst.1,
        ..StartWorkConn::default()
    };
    let header = user_header(ProxyProtocol::V1, &start).ok()??;
    Some(text(&header))
}

fuzz_target!(|input: Input<'_>| {
    let (src, dst) = (addr(input.0), addr(input.1));
    let (stream, datagrams) = (Carried::Stream, Carried::Datagrams);
    let v1 = header(ProxyProtocol::V1, stream, src, dst);
    assert_eq!(text(&v1), (src, dst));
    let v1 = header(ProxyProtocol::V1, datagrams, src, dst);
    assert_eq!(v1, b"PROXY UNKNOWN\r\n");
    for (carried, number) in [(stream, 1), (datagrams, 2)] {
        let v2 = header(ProxyProtocol::V2, carried, src, dst);
        assert_eq!(binary(&v2, number), (src, dst));
    }
    let [from, to] = [src, dst].map(|at| at.ip().to_string());
    let named = told((&from, src.port()), (&to, dst.port()));
    assert_eq!(named, (src.port() > 0).then_some((src, dst)));
    if let Some((named, _)) = told((input.2, 1), (input.2, 2)) {
        let ip = input.2.split('%').next().unwrap_or_default();
        assert_eq!(
            Ok(named.ip()),
            ip.parse().map(|ip: IpAddr| ip.to_canonical())
        );
    }
});
