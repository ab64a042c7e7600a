use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::BytesMut;

use super::*;
use crate::crypt::{CfbDecryptor, Key};
use crate::error::Fault;
use crate::msg::*;
use crate::names::RunId;

// Recorded from frps and frpc 0.70.1.
const LOGIN: &str = r#"{"version":"0.70.1","hostname":"vm","os":"linux","arch":"amd64","privilege_key":"de11a3e7a904ed80483734e2c345aced","timestamp":1795166294,"client_spec":{},"pool_count":1}"#;
const LOGIN_RESP: &str = r#"{"version":"0.70.1","run_id":"653b7e784395ee62"}"#;
const REFUSAL: &str =
    r#"{"version":"0.70.1","error":"token in login doesn't match token from configuration"}"#;
const WORK: &str = r#"{"run_id":"98bab4cb9d9cb49a","privilege_key":"f523a51491ba25198a72e1eb4ac9aa3e","timestamp":1795166388}"#;
const START: &str = r#"{"proxy_name":"p","src_addr":"127.0.0.1","dst_addr":"127.0.0.1","src_port":50624,"dst_port":16603}"#;
const VISITOR: &str = r#"{"run_id":"ed205ce1a7d28ab5","proxy_name":"p","sign_key":"fac9c8c7f7d1f3b06f82c2d4c44b3703","timestamp":1795166346}"#;
const PACKET: &str = r#"{"c":"cGluZyB1ZHA=","r":{"IP":"127.0.0.1","Port":35489,"Zone":""}}"#;
/// The server's side of a control connection behind `LoginResp`, token `token`.
const CONTROL: &str = "c8159c47f742022c65f7c82b8bc4ff7111e4f36a91106a7e982cd893c4681a4cf5b1803f2cc6a086\
    c64cb326c634f87985569f94f98fe2b183de1b68f20782b3e07ae1fc75fd5a181be819396f5919e195b2ba528676237a\
    53c3d935b04be96316fb8d";

const RECORDED: [(u8, &str); 7] = [
    (b'o', LOGIN),
    (b'1', LOGIN_RESP),
    (b'1', REFUSAL),
    (b'w', WORK),
    (b's', START),
    (b'v', VISITOR),
    (b'u', PACKET),
];

fn framed(kind: u8, body: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    out.put_u8(kind);
    out.put_i64(i64::try_from(body.len()).unwrap());
    out.put_slice(body);
    out
}

fn read(kind: u8, body: &str) -> Result<Message, WireError> {
    let mut buf = framed(kind, body.as_bytes());
    decode(&mut buf).map(|message| message.expect("a whole message"))
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn list() -> Vec<String> {
    vec![text("a.b"), String::new(), text("ü")]
}

fn map() -> BTreeMap<String, String> {
    [("b", "<&>"), ("a", "\u{2028}\"\n")]
        .map(|(key, value)| (text(key), text(value)))
        .into()
}

/// One of each kind.
fn full() -> Vec<Message> {
    let mut messages = registration();
    messages.extend(work());
    messages.extend(holes());
    messages
}

fn registration() -> Vec<Message> {
    let login = Login {
        version: text("1"),
        hostname: text("h"),
        user: text("u"),
        privilege_key: text("k"),
        timestamp: i64::MIN,
        run_id: text("r"),
        metas: map(),
        client_spec: ClientSpec {
            kind: text("ssh-tunnel"),
            always_auth_pass: true,
        },
        pool_count: -5,
        ..Default::default()
    };
    let proxy = NewProxy {
        proxy_name: text("p"),
        proxy_type: text("http"),
        use_encryption: true,
        metas: map(),
        remote_port: 65_536,
        custom_domains: list(),
        locations: list(),
        headers: map(),
        sk: text("s"),
        allow_users: list(),
        multiplexer: text("httpconnect"),
        ..Default::default()
    };
    vec![
        login.into(),
        LoginResp {
            version: text("1"),
            run_id: text("r"),
            error: text("e"),
        }
        .into(),
        proxy.into(),
        NewProxyResp {
            proxy_name: text("p"),
            remote_addr: text(":1"),
            error: text("e"),
        }
        .into(),
        CloseProxy {
            proxy_name: text("p"),
        }
        .into(),
    ]
}

fn work() -> Vec<Message> {
    let packet = UdpPacket {
        c: vec![0, 255, 7, 9].into(),
        l: Some(UdpAddr::default()),
        r: Some("[::1]:9".parse::<SocketAddr>().unwrap().into()),
    };
    vec![
        NewWorkConn {
            run_id: text("r"),
            privilege_key: text("k"),
            timestamp: 1,
            datagrams: 1,
        }
        .into(),
        ReqWorkConn {}.into(),
        StartWorkConn {
            proxy_name: text("p"),
            src_port: u16::MAX,
            ..Default::default()
        }
        .into(),
        NewVisitorConn {
            sign_key: text("k"),
            use_compression: true,
            ..Default::default()
        }
        .into(),
        NewVisitorConnResp {
            proxy_name: text("p"),
            error: text("e"),
            datagrams: 1,
        }
        .into(),
        Ping {
            privilege_key: text("k"),
            timestamp: 1,
        }
        .into(),
        Pong { error: text("e") }.into(),
        packet.into(),
    ]
}

fn holes() -> Vec<Message> {
    let detect_behavior = DetectBehavior {
        role: text("sender"),
        mode: 4,
        candidate_ports: vec![PortRange { from: 1, to: 2 }, PortRange::default()],
        ..Default::default()
    };
    vec![
        NatHoleVisitor {
            pre_check: true,
            mapped_addrs: list(),
            ..Default::default()
        }
        .into(),
        NatHoleClient {
            sid: text("s"),
            assisted_addrs: list(),
            ..Default::default()
        }
        .into(),
        NatHoleResp {
            detect_behavior,
            ..Default::default()
        }
        .into(),
        NatHoleSid {
            response: true,
            nonce: text("n"),
            ..Default::default()
        }
        .into(),
        NatHoleReport {
            sid: text("s"),
            success: true,
        }
        .into(),
    ]
}

#[test]
fn recorded_messages_are_written_back_byte_for_byte() {
    for (kind, body) in RECORDED {
        let wire = framed(kind, body.as_bytes());
        let message = decode(&mut wire.clone()).unwrap().unwrap();
        let mut out = BytesMut::from(&b"before"[..]);
        encode(&message, &mut out).unwrap();
        assert_eq!(out, [&b"before"[..], &wire].concat(), "{body}");
    }
}

#[test]
fn a_recorded_control_stream_decrypts_into_messages() {
    let hex = CONTROL
        .as_bytes()
        .chunks(2)
        .map(|pair| str::from_utf8(pair).unwrap());
    let mut data: BytesMut = hex
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect();
    let skip = CfbDecryptor::new(&Key::derive("token")).open(&mut data);
    data.advance(skip);
    let mut messages = Vec::new();
    while let Some(message) = decode(&mut data).unwrap() {
        messages.push(message);
    }
    let answer = NewProxyResp {
        proxy_name: "p".to_owned(),
        remote_addr: ":16603".to_owned(),
        error: String::new(),
    };
    let ask = || Message::from(ReqWorkConn {});
    assert_eq!(
        messages,
        [ask(), answer.into(), Pong::default().into(), ask()]
    );
    assert!(data.is_empty());
}

#[test]
fn every_message_survives_byte_by_byte_arrival() {
    let messages = full();
    assert_eq!(messages.len(), MessageType::ALL.len());
    for message in messages {
        let mut wire = BytesMut::new();
        encode(&message, &mut wire).unwrap();
        wire.extend_from_slice(b"payload");
        let mut buf = BytesMut::new();
        let mut left = wire.clone();
        let decoded = loop {
            // As a reader without read-ahead would do it, one byte at a time.
            let needed = needed(&buf).unwrap();
            match decode(&mut buf).unwrap() {
                Some(message) => break message,
                None => assert!(needed > buf.len(), "{message:?} stalls at {}", buf.len()),
            }
            buf.extend_from_slice(&left.split_to(1));
        };
        assert_eq!(decoded, message);
        assert_eq!((&buf[..], &left[..]), (&b""[..], &b"payload"[..]));
    }
}

#[test]
fn every_split_point_gives_the_same_message() {
    for message in full() {
        let mut wire = BytesMut::new();
        encode(&message, &mut wire).unwrap();
        for at in 0..wire.len() {
            let mut buf = BytesMut::from(&wire[..at]);
            assert_eq!(decode(&mut buf), Ok(None), "{message:?} cut at {at}");
            assert_eq!(buf, wire[..at], "a part must stay in the buffer");
            buf.extend_from_slice(&wire[at..]);
            buf.extend_from_slice(b"next");
            assert_eq!(decode(&mut buf), Ok(Some(message.clone())));
            assert_eq!(buf, b"next"[..]);
        }
    }
}

#[test]
fn written_messages_are_stable() {
    for message in full() {
        let (mut one, mut two) = (BytesMut::new(), BytesMut::new());
        encode(&message, &mut one).unwrap();
        encode(&decode(&mut one.clone()).unwrap().unwrap(), &mut two).unwrap();
        assert_eq!(one, two);
    }
}

#[test]
fn an_expected_message_is_read_whatever_known_type_byte_it_has() {
    let mut buf = framed(b'h', LOGIN_RESP.as_bytes());
    let answer: LoginResp = decode_as(&mut buf).unwrap().unwrap();
    assert_eq!(RunId::from(answer.run_id), "653b7e784395ee62");
    let mut buf = framed(b'?', LOGIN_RESP.as_bytes());
    assert_eq!(
        decode_as::<LoginResp>(&mut buf),
        Err(WireError::UnknownType(b'?'))
    );
    assert_eq!(
        decode_as::<LoginResp>(&mut BytesMut::from(&b"1\0\0"[..])),
        Ok(None)
    );
}

#[test]
fn a_bad_head_is_refused_as_soon_as_it_is_there() {
    for byte in (0..=u8::MAX).filter(|byte| MessageType::from_v1(*byte).is_none()) {
        assert_eq!(
            decode(&mut BytesMut::from(&[byte][..])),
            Err(WireError::UnknownType(byte))
        );
    }
    for length in [-1, i64::MIN, 10_241, i64::MAX] {
        let mut buf = BytesMut::from(&b"o"[..]);
        buf.put_i64(length);
        assert_eq!(needed(&buf[..8]), Ok(9));
        let refused = decode(&mut buf).unwrap_err();
        assert_eq!(refused, WireError::BadLength(length));
        assert_eq!(refused.fault(), Fault::Bytes);
    }
    let mut buf = BytesMut::from(&b"o"[..]);
    buf.put_i64(10_240);
    assert_eq!(needed(&buf), Ok(10_249));
    assert_eq!(decode(&mut buf), Ok(None));
}

#[test]
fn a_malformed_body_is_an_error_that_quotes_nothing() {
    let deep = "[".repeat(5_000);
    let deep_object = r#"{"metas":"#.repeat(1_000);
    for body in [
        "",
        " ",
        "{",
        "{}{}",
        "[]",
        "7",
        "\"hunter2\"",
        r#"{"timestamp":"hunter2"}"#,
        r#"{"timestamp":1.5}"#,
        r#"{"timestamp":9223372036854775808}"#,
        r#"{"timestamp":1e400}"#,
        r#"{"metas":{"hunter2":7}}"#,
        r#"{"metas":["hunter2"]}"#,
        r#"{"client_spec":7}"#,
        r#"{"version":"\ud800hunter2"}"#,
        deep.as_str(),
        deep_object.as_str(),
    ] {
        let refused = read(b'o', body).unwrap_err();
        assert!(
            matches!(
                refused,
                WireError::BadBody {
                    message: "Login",
                    ..
                }
            ),
            "{body}"
        );
        assert!(
            !format!("{refused} {refused:?}").contains("hunter2"),
            "{refused}"
        );
    }
    read(b's', r#"{"src_port":65536}"#).unwrap_err();
    read(b's', r#"{"src_port":-1}"#).unwrap_err();
    read(b'u', r#"{"c":"a"}"#).unwrap_err();
    read(b'u', r#"{"c":"cGluZyB1ZHA"}"#).unwrap_err();
    let mut buf = framed(b'o', b"{\"version\":\"\xff\"}");
    decode(&mut buf).unwrap_err();
}

#[test]
fn deep_nesting_where_nobody_looks_is_harmless() {
    let body = format!(
        r#"{{"x":{}{},"run_id":"r"}}"#,
        "[".repeat(5_000),
        "]".repeat(5_000)
    );
    assert_eq!(
        read(b'w', &body),
        Ok(NewWorkConn {
            run_id: "r".into(),
            ..Default::default()
        }
        .into())
    );
}

#[test]
fn a_negative_pool_count_is_left_to_the_server() {
    let Ok(Message::Login(login)) = read(b'o', r#"{"pool_count":-1}"#) else {
        panic!("a login");
    };
    assert_eq!(login.pool_count, -1);
}

#[test]
fn what_no_peer_reads_is_not_written() {
    let overhead = r#"{"error":""}"#.len();
    let pong = |length| {
        Message::from(Pong {
            error: "x".repeat(length),
        })
    };
    let mut out = BytesMut::from(&b"before"[..]);
    encode(&pong(limits::V1_BODY - overhead), &mut out).unwrap();
    assert_eq!(out.len(), 6 + limits::V1_HEADER + limits::V1_BODY);
    let before = out.clone();
    let refused = encode(&pong(limits::V1_BODY - overhead + 1), &mut out).unwrap_err();
    assert_eq!(
        refused,
        WireError::TooLong {
            message: "Pong",
            limit: limits::V1_BODY
        }
    );
    assert_eq!(refused.fault(), Fault::Us);
    assert_eq!(out, before);
}

#[test]
fn a_datagram_of_the_promised_size_fits() {
    let user: SocketAddr = "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535"
        .parse()
        .unwrap();
    let mut packet = UdpPacket::new(vec![255; limits::V1_DATAGRAM], user);
    packet.l = packet.r.clone();
    encode(&packet.into(), &mut BytesMut::new()).unwrap();
}

#[test]
fn any_bytes_are_an_answer_and_no_panic() {
    // A small generator, so that the test needs no crate and always does the same.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    for message in full() {
        let mut wire = BytesMut::new();
        encode(&message, &mut wire).unwrap();
        for _ in 0..500 {
            let mut broken = wire.clone();
            let [a, b, value, ..] = next();
            let at = usize::from(u16::from_le_bytes([a, b])) % broken.len();
            broken[at] = value;
            let had = broken.len();
            if let Ok(Some(_)) = decode(&mut broken) {
                assert!(broken.len() < had);
            }
        }
    }
}
