//! Pairs in memory, and one of our streams against raw bytes.

use std::future::poll_fn;

use culvert_io::Peer;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::*;
use crate::{Header, Kind, Mask};

fn stream(io: impl culvert_io::Io) -> Stream {
    let addr = "127.0.0.1:1".parse().unwrap();
    Stream::new(io, Peer::new(addr, addr, "test"))
}

/// Our stream in this role, and the raw bytes on the other side.
fn raw(role: Role, room: usize) -> (WsStream, DuplexStream) {
    let (near, far) = tokio::io::duplex(room);
    (WsStream::new(stream(near), role), far)
}

fn frame(kind: Kind, payload: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    let len = u64::try_from(payload.len()).unwrap();
    let head = Header { kind, len, key }.encode();
    let mut payload = payload.to_vec();
    Mask::new(key.unwrap_or_default()).apply(&mut payload);
    [head.as_ref(), &payload].concat()
}

/// Reads one frame of the raw side; the payload unmasked.
async fn read_frame(far: &mut DuplexStream) -> (Header, Vec<u8>) {
    let mut head = Vec::new();
    let header = loop {
        head.push(far.read_u8().await.unwrap());
        if let Some((header, _)) = Header::parse(&head).unwrap() {
            break header;
        }
    };
    let mut payload = vec![0; usize::try_from(header.len).unwrap()];
    far.read_exact(&mut payload).await.unwrap();
    Mask::new(header.key.unwrap_or_default()).apply(&mut payload);
    (header, payload)
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|n| ((n * 31) >> 3).to_le_bytes()[0]).collect()
}

const KEY: Option<[u8; 4]> = Some([7, 77, 177, 17]);

/// Sends `bytes` and ends, and expects the same from the other side. Answers what must not be
/// dropped before the other side is done as well.
async fn exchange(ws: WsStream, bytes: &[u8]) -> impl Sized {
    let (mut r, mut w) = tokio::io::split(ws);
    let mut got = Vec::new();
    let write = async {
        for chunk in bytes.chunks(300_000) {
            w.write_all(chunk).await.unwrap();
            w.flush().await.unwrap();
        }
        w.shutdown().await.unwrap();
    };
    let ((), read) = tokio::join!(write, r.read_to_end(&mut got));
    read.unwrap();
    assert!(got == bytes, "{} of {}", got.len(), bytes.len());
    (r, w)
}

#[tokio::test]
async fn both_directions_carry_much_over_little_room() {
    // The end is seen at the header of the close frame: the rest of it must fit.
    for room in [9, 13, 1000, 1 << 20] {
        let total = if room < 1000 { 20_000 } else { 3_000_000 };
        let (a, b) = tokio::io::duplex(room);
        let client = WsStream::new(stream(a), Role::Client);
        let server = WsStream::new(stream(b), Role::Server);
        let bytes = pattern(total);
        let _both = tokio::join!(exchange(client, &bytes), exchange(server, &bytes));
    }
}

#[tokio::test]
async fn a_write_is_one_frame() {
    for (role, masked) in [(Role::Client, true), (Role::Server, false)] {
        let (mut ws, mut far) = raw(role, 1 << 20);
        let big = pattern(Buffer::LARGE);
        let slices = [
            IoSlice::new(b"head"),
            IoSlice::new(b""),
            IoSlice::new(b"body"),
        ];
        assert_eq!(ws.write_vectored(&slices).await.unwrap(), 8);
        assert_eq!(ws.write(&big).await.unwrap(), big.len());
        assert_eq!(ws.write(b"").await.unwrap(), 0);
        ws.flush().await.unwrap();
        let (first, payload) = read_frame(&mut far).await;
        assert_eq!(payload, b"headbody");
        assert_eq!((first.kind, first.key.is_some()), (Kind::Data, masked));
        let (second, payload) = read_frame(&mut far).await;
        assert!(payload == big);
        assert!(!masked || first.key != second.key, "a key is used once");
    }
}

#[tokio::test]
async fn more_slices_than_are_handed_on_at_once_still_make_one_frame() {
    let (mut ws, mut far) = raw(Role::Server, 1 << 20);
    let pieces: Vec<_> = (0..20_u8).map(|n| [n; 3]).collect();
    let slices: Vec<_> = pieces.iter().map(|p| IoSlice::new(p)).collect();
    let n = ws.write_vectored(&slices).await.unwrap();
    let all = pieces.concat();
    ws.write_all(&all[n..]).await.unwrap();
    assert_eq!(read_frame(&mut far).await.1, all);
}

#[tokio::test]
async fn small_and_large_readers_see_the_same() {
    let bytes: Vec<u8> = (1..60)
        .flat_map(|n| frame(Kind::Data, &pattern(n * 97), KEY))
        .collect();
    let expected: Vec<u8> = (1..60).flat_map(|n| pattern(n * 97)).collect();
    for size in [1, 7, 4095, 4096, 100_000] {
        let (mut ws, mut far) = raw(Role::Server, 1 << 20);
        far.write_all(&bytes).await.unwrap();
        drop(far);
        let mut got = Vec::new();
        let mut room = vec![0; size];
        loop {
            match ws.read(&mut room).await.unwrap() {
                0 => break,
                n => got.extend_from_slice(&room[..n]),
            }
        }
        assert!(got == expected, "{size}");
        assert!(ws.ahead.is_none());
    }
}

#[tokio::test]
async fn pings_are_answered_and_a_flood_costs_one() {
    for role in [Role::Client, Role::Server] {
        let key = KEY.filter(|_| role == Role::Server);
        let (mut ws, mut far) = raw(role, 1 << 20);
        for n in 0..200 {
            far.write_all(&frame(Kind::Ping, &[n; 125], key))
                .await
                .unwrap();
        }
        far.write_all(&frame(Kind::Data, b"x", key)).await.unwrap();
        assert_eq!(ws.read_u8().await.unwrap(), b'x');
        let (header, payload) = read_frame(&mut far).await;
        assert_eq!((header.kind, payload.len()), (Kind::Pong, 125));
        ws.write_all(b"data").await.unwrap();
        ws.flush().await.unwrap();
        let mut seen = 1;
        while read_frame(&mut far).await.0.kind == Kind::Pong {
            seen += 1;
        }
        assert!(seen <= 3, "{seen} pongs for one flood");
    }
}

#[tokio::test]
async fn a_pong_waits_for_the_end_of_a_frame() {
    let (mut ws, mut far) = raw(Role::Server, 100);
    let bytes = pattern(500);
    let n = ws.write(&bytes).await.unwrap();
    assert!(n < 100);
    far.write_all(&frame(Kind::Ping, b"p", KEY)).await.unwrap();
    let mut room = [0; 1];
    let read = poll_fn(|cx| {
        let mut buf = ReadBuf::new(&mut room);
        Poll::Ready(Pin::new(&mut ws).poll_read(cx, &mut buf).is_pending())
    });
    assert!(read.await);
    let write = async {
        ws.write_all(&bytes[n..]).await.unwrap();
        ws.flush().await.unwrap();
    };
    let read = async {
        assert_eq!(read_frame(&mut far).await.1, bytes);
        let (header, payload) = read_frame(&mut far).await;
        assert_eq!((header.kind, payload), (Kind::Pong, b"p".to_vec()));
    };
    tokio::join!(write, read);
}

#[tokio::test]
async fn a_peer_that_breaks_the_rules_is_told_and_left() {
    for (role, bytes) in [
        (Role::Server, frame(Kind::Data, b"x", None)),
        (Role::Client, frame(Kind::Data, b"x", KEY)),
        (Role::Client, vec![0x83, 0]),
        (Role::Client, vec![0x82, 127, 255, 0, 0, 0, 0, 0, 0, 0]),
        (Role::Client, vec![0x89, 126, 1, 0]),
    ] {
        let (mut ws, mut far) = raw(role, 1000);
        far.write_all(&bytes).await.unwrap();
        let err = ws.read_u8().await.unwrap_err();
        assert_eq!(err.kind(), io::ErrorKind::InvalidData);
        let (header, payload) = read_frame(&mut far).await;
        assert_eq!(
            (header.kind, &*payload),
            (Kind::Close, &1002_u16.to_be_bytes()[..])
        );
        let err = ws.write_all(b"more").await.unwrap_err();
        assert_eq!(err.kind(), io::ErrorKind::BrokenPipe);
    }
}

#[tokio::test]
async fn closing_both_ways() {
    let (mut ws, mut far) = raw(Role::Client, 1000);
    ws.write_all(b"last").await.unwrap();
    ws.shutdown().await.unwrap();
    assert_eq!(read_frame(&mut far).await.1, b"last");
    let (header, payload) = read_frame(&mut far).await;
    assert_eq!(
        (header.kind, &*payload),
        (Kind::Close, &1000_u16.to_be_bytes()[..])
    );
    assert_eq!(far.read(&mut [0; 1]).await.unwrap(), 0);

    // A close frame is the end even while the peer keeps the connection.
    let (mut ws, mut far) = raw(Role::Client, 1000);
    far.write_all(&frame(Kind::Data, b"bye", None))
        .await
        .unwrap();
    far.write_all(&frame(Kind::Close, b"", None)).await.unwrap();
    let mut got = Vec::new();
    ws.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, b"bye");
}

#[tokio::test]
async fn an_end_inside_a_frame_is_an_error_and_between_frames_is_none() {
    let whole = frame(Kind::Data, b"hello", None);
    for cut in 0..=whole.len() {
        let (mut ws, mut far) = raw(Role::Client, 1000);
        far.write_all(&whole[..cut]).await.unwrap();
        drop(far);
        let end = ws.read_to_end(&mut Vec::new()).await;
        let is_clean = cut == 0 || cut == whole.len();
        assert_eq!(end.is_ok(), is_clean, "{cut}");
    }
}
