use super::*;
use crate::error::Fault;
use crate::msg::{LoginResp, Ping, ReqWorkConn, StartWorkConn, UdpPacket};

// Recorded from frps and frpc 0.70.1.
const START: &[u8] = b"\0\x10\0\0\0\0\0\x14\0\x08{\"proxy_name\":\"p\"}";
const PACKET: &[u8] =
    b"\0\x10\0\0\0\0\0\x44\0\x0d{\"c\":\"cGluZyB1ZHA=\",\"r\":{\"IP\":\"127.0.0.1\",\"Port\":39077,\"Zone\":\"\"}}";

fn frame(kind: u16, flags: u16, length: u32, payload: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    out.put_u16(kind);
    out.put_u16(flags);
    out.put_u32(length);
    out.put_slice(payload);
    out
}

fn framed(kind: u16, payload: &[u8]) -> BytesMut {
    frame(kind, 0, u32::try_from(payload.len()).unwrap(), payload)
}

fn written(message: impl Into<Message>) -> BytesMut {
    let mut out = BytesMut::new();
    encode(&message.into(), &mut out).unwrap();
    out
}

fn start() -> StartWorkConn {
    StartWorkConn {
        proxy_name: "p".to_owned(),
        ..StartWorkConn::default()
    }
}

#[test]
fn messages_have_the_recorded_bytes() {
    assert_eq!(written(start()), START);
    let read = decode(&mut BytesMut::from(PACKET)).unwrap().unwrap();
    assert_eq!(written(read), PACKET);
    assert_eq!(written(ReqWorkConn {}), b"\0\x10\0\0\0\0\0\x04\0\x07{}"[..]);
}

#[test]
fn numbers_are_in_the_order_of_the_table() {
    for (n, kind) in MessageType::ALL.iter().enumerate() {
        assert_eq!(usize::from(kind.v2()), n + 1);
        assert_eq!(MessageType::from_v2(kind.v2()), Some(*kind));
    }
    assert_eq!(MessageType::from_v2(0), None);
    assert_eq!(MessageType::from_v2(19), None);
    for number in [0, 3, 15, 17, 0x1000, u16::MAX] {
        assert_eq!(FrameType::from_number(number), None);
    }
}

#[test]
fn byte_by_byte_one_frame_comes_out_and_nothing_behind_it_is_asked_for() {
    let mut buf = BytesMut::new();
    let both = [START, b"payload"].concat();
    for (n, byte) in both.iter().enumerate() {
        if buf.len() == START.len() {
            break;
        }
        let needed = needed(&buf).unwrap();
        assert!(needed > n && needed <= START.len(), "{n}: {needed}");
        assert_eq!(decode(&mut buf), Ok(None), "{n}");
        buf.put_u8(*byte);
    }
    buf.extend_from_slice(b"payload");
    assert_eq!(decode_as::<StartWorkConn>(&mut buf), Ok(Some(start())));
    assert_eq!(buf, b"payload"[..]);
}

#[test]
fn malformed_frames_are_refused_as_soon_as_they_can_be() {
    let most = u32::try_from(limits::V2_PAYLOAD).unwrap();
    let table = [
        (frame(0, 0, 2, b"\0\x07{}"), 2, WireError::UnknownFrame(0)),
        (frame(3, 0, 2, b"\0\x07{}"), 2, WireError::UnknownFrame(3)),
        (frame(0x1000, 0, 2, b""), 2, WireError::UnknownFrame(0x1000)),
        (frame(16, 1, 4, b"\0\x07{}"), 4, WireError::FrameFlags(1)),
        (frame(16, 0x8000, 4, b""), 4, WireError::FrameFlags(0x8000)),
        (frame(1, 0x100, 4, b""), 4, WireError::FrameFlags(0x100)),
        (frame(16, 0, 0, b""), 8, WireError::FrameLength(0)),
        (frame(16, 0, 1, b"\0"), 8, WireError::FrameLength(1)),
        (
            frame(16, 0, most + 1, b""),
            8,
            WireError::FrameLength(most + 1),
        ),
        (
            frame(2, 0, u32::MAX, b""),
            8,
            WireError::FrameLength(u32::MAX),
        ),
        (framed(16, b"\0\0{}"), 12, WireError::UnknownId(0)),
        (framed(16, b"\0\x13{}"), 12, WireError::UnknownId(19)),
        (framed(16, b"\x07\0{}"), 12, WireError::UnknownId(0x700)),
    ];
    for (bytes, from, error) in table {
        for n in 0..=bytes.len() {
            let got = decode(&mut BytesMut::from(&bytes[..n]));
            if n < from {
                assert_eq!(got, Ok(None), "{error} at {n}");
            } else {
                assert_eq!(got, Err(error.clone()), "{error} at {n}");
            }
        }
        assert_eq!(error.fault(), Fault::Bytes);
    }
    for body in ["", "{", "[]", "{\"timestamp\":\"x\"}", "{} {}"] {
        let mut bytes = framed(16, format!("\0\x0b{body}").as_bytes());
        assert!(
            matches!(decode(&mut bytes), Err(WireError::BadBody { .. })),
            "{body}"
        );
    }
}

#[test]
fn another_message_than_the_expected_one_is_refused() {
    let unexpected = |expected, got| WireError::Unexpected { expected, got };
    assert_eq!(
        decode_as::<LoginResp>(&mut written(start())),
        Err(unexpected("LoginResp", "StartWorkConn"))
    );
    let mut hello = framed(1, b"{}");
    assert_eq!(
        decode_as::<LoginResp>(&mut hello.clone()),
        Err(unexpected("LoginResp", "ClientHello"))
    );
    assert_eq!(
        decode(&mut hello.clone()),
        Err(unexpected("a message", "ClientHello"))
    );
    assert_eq!(
        decode_server_hello(&mut hello),
        Err(unexpected("ServerHello", "ClientHello"))
    );
    assert_eq!(
        decode_opening(&mut framed(2, b"{}")),
        Err(unexpected("a message", "ServerHello"))
    );
}

#[test]
fn a_connection_opens_with_a_hello_or_a_message() {
    let mut buf = BytesMut::new();
    encode_frame(FrameType::ClientHello, b"{\"x\":1}", &mut buf).unwrap();
    buf.extend_from_slice(&written(Ping::default()));
    assert_eq!(
        decode_opening(&mut buf),
        Ok(Some(Opening::Hello(Bytes::from_static(b"{\"x\":1}"))))
    );
    assert_eq!(
        decode_opening(&mut buf),
        Ok(Some(Opening::Message(Ping::default().into())))
    );
    assert!(buf.is_empty());
    let mut buf = framed(2, b"");
    assert_eq!(decode_server_hello(&mut buf), Ok(Some(Bytes::new())));
}

#[test]
fn limits_hold_both_ways() {
    let resp = |n| LoginResp {
        error: "x".repeat(n),
        ..LoginResp::default()
    };
    let room = limits::V2_PAYLOAD - limits::V2_ID - br#"{"error":""}"#.len();
    let mut full = written(resp(room));
    assert_eq!(full.len(), limits::V2_HEADER + limits::V2_PAYLOAD);
    assert_eq!(decode_as::<LoginResp>(&mut full), Ok(Some(resp(room))));
    let mut out = BytesMut::from(&b"before"[..]);
    let error = encode(&resp(room + 1).into(), &mut out).unwrap_err();
    assert_eq!(error.fault(), Fault::Us);
    assert!(encode_frame(FrameType::ClientHello, &vec![0; 65_537], &mut out).is_err());
    assert_eq!(out, b"before"[..]);
    encode_frame(FrameType::ClientHello, &vec![0; 65_536], &mut out).unwrap();
    // Version 1 could not carry this datagram.
    let packet = UdpPacket::new(vec![7; 40_000], "127.0.0.1:9".parse().unwrap());
    assert_eq!(
        decode_as::<UdpPacket>(&mut written(packet.clone())),
        Ok(Some(packet))
    );
}
