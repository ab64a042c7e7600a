use std::net::{Ipv4Addr, SocketAddr};

use culvert_io::Peer;
use culvert_wire::msg::{Ping, StartWorkConn};
use tokio::io::AsyncWriteExt;

use super::*;

fn pair() -> (Framed, Framed) {
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let peer = Peer::new(addr, addr, "memory");
    let (a, b) = tokio::io::duplex(64 * 1024);
    (
        Framed::new(Stream::new(a, peer), Codec::V1),
        Framed::new(Stream::new(b, peer), Codec::V1),
    )
}

fn start(name: &str) -> Message {
    Message::StartWorkConn(StartWorkConn {
        proxy_name: name.to_owned(),
        ..StartWorkConn::default()
    })
}

#[tokio::test]
async fn payload_behind_a_message_stays_in_the_stream() {
    let (mut a, mut b) = pair();
    a.send(&start("web")).await.unwrap();
    let mut raw = a.into_stream();
    raw.write_all(b"payload").await.unwrap();
    drop(raw);
    let got: StartWorkConn = b
        .expect(Duration::from_secs(1), "StartWorkConn")
        .await
        .unwrap();
    assert_eq!(got.proxy_name, "web");
    assert!(b.input.bytes.is_empty());
    let mut rest = Vec::new();
    b.into_stream().read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"payload");
}

#[tokio::test]
async fn the_cipher_starts_behind_a_plain_message() {
    let (mut a, mut b) = pair();
    let key = Key::derive("token");
    a.send(&start("plain")).await.unwrap();
    let mut a = a.encrypt(&key).unwrap();
    for _ in 0..100 {
        a.feed(&Message::Ping(Ping::default())).unwrap();
    }
    a.flush().await.unwrap();
    drop(a);
    assert!(matches!(
        b.next().await.unwrap(),
        Some(Message::StartWorkConn(_))
    ));
    let mut b = b.encrypt(&key).unwrap();
    for _ in 0..100 {
        assert!(matches!(b.next().await.unwrap(), Some(Message::Ping(_))));
    }
    assert!(b.next().await.unwrap().is_none());
}

#[tokio::test]
async fn halves_work_at_the_same_time() {
    let (a, b) = pair();
    let (mut ar, mut aw) = a.split();
    let (mut br, mut bw) = b.split();
    let ping = Message::Ping(Ping::default());
    let (x, y) = tokio::join!(aw.send(&ping), br.next());
    x.unwrap();
    assert!(y.unwrap().is_some());
    let (x, y) = tokio::join!(bw.send(&ping), ar.next());
    x.unwrap();
    assert!(y.unwrap().is_some());
    aw.shutdown().await.unwrap();
    assert!(br.next().await.unwrap().is_none());
}

#[tokio::test]
async fn an_end_inside_a_message_is_an_error() {
    let (a, mut b) = pair();
    let mut raw = a.into_stream();
    raw.write_all(b"o\0\0\0").await.unwrap();
    drop(raw);
    assert!(b.next().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_times_out() {
    let (_a, mut b) = pair();
    let got = b
        .expect::<StartWorkConn>(Duration::from_secs(10), "StartWorkConn")
        .await;
    assert!(matches!(got, Err(TransportError::Timeout { .. })));
}

#[tokio::test]
async fn garbage_is_the_peers_fault() {
    let (a, mut b) = pair();
    let mut raw = a.into_stream();
    raw.write_all(b"\xff\xff").await.unwrap();
    assert!(matches!(b.next().await, Err(TransportError::Malformed(_))));
}
