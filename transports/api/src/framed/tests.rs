use std::net::{Ipv4Addr, SocketAddr};

use culvert_io::Peer;
use culvert_wire::{
    Key, Token,
    msg::{Ping, StartWorkConn},
    v2::{Bootstrap, MAGIC, Offer, negotiate},
};
use tokio::io::AsyncWriteExt;

use super::*;

fn streams() -> (Stream, Stream) {
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let peer = Peer::new(addr, addr, "memory");
    let (a, b) = tokio::io::duplex(64 * 1024);
    (Stream::new(a, peer), Stream::new(b, peer))
}

fn pair() -> (Framed, Framed) {
    let (a, b) = streams();
    (Framed::new(a, Codec::V1), Framed::new(b, Codec::V1))
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
async fn a_reader_between_two_messages_holds_no_memory() {
    let (mut a, b) = pair();
    let mut b = b.buffered();
    for _ in 0..2 {
        a.send(&start("web")).await.unwrap();
        assert!(b.next().await.unwrap().is_some());
        let waits = tokio::time::timeout(Duration::from_millis(1), b.next());
        waits.await.unwrap_err();
        assert_eq!(b.input.bytes.capacity(), 0);
    }
}

#[tokio::test]
async fn the_cipher_starts_behind_a_plain_message() {
    let (mut a, mut b) = pair();
    let key = ControlCipher::Cfb(Key::derive("token"));
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

async fn send_in_pieces(mut to: Stream, bytes: &[u8], step: usize) {
    for piece in bytes.chunks(step) {
        to.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_version_is_told_by_the_first_bytes_and_payload_stays() {
    for (codec, step) in [
        (Codec::V1, 1),
        (Codec::V1, 99),
        (Codec::V2, 1),
        (Codec::V2, 99),
    ] {
        let (a, b) = streams();
        let mut sent = BytesMut::from(codec.magic());
        codec.encode(&start("web"), &mut sent).unwrap();
        sent.extend_from_slice(b"payload");
        let receive = async {
            let mut framed = Framed::accepted(b).await.unwrap().unwrap();
            assert_eq!(framed.codec(), codec);
            let opening = framed.opening().await.unwrap().unwrap();
            assert_eq!(opening, Opening::Message(start("web")));
            assert!(framed.input.bytes.is_empty());
            let mut rest = Vec::new();
            framed.into_stream().read_to_end(&mut rest).await.unwrap();
            assert_eq!(rest, b"payload");
        };
        tokio::join!(send_in_pieces(a, &sent, step), receive);
    }
}

#[tokio::test]
async fn version_one_waits_for_nothing_more_than_its_first_byte() {
    let (mut a, b) = streams();
    a.write_all(b"o").await.unwrap();
    let framed = Framed::accepted(b).await.unwrap().unwrap();
    assert_eq!(framed.codec(), Codec::V1);
}

#[tokio::test]
async fn who_leaves_before_the_version_is_told_is_no_peer() {
    for (head, fault) in [(&b""[..], false), (b"FRP", true)] {
        let (mut a, b) = streams();
        a.write_all(head).await.unwrap();
        drop(a);
        let got = Framed::accepted(b).await;
        assert_eq!(got.is_err(), fault);
        assert!(!matches!(got, Ok(Some(_))));
    }
}

#[tokio::test]
async fn a_v2_control_stream_from_magic_to_records() {
    let token = Token::new("token");
    let (a, b) = streams();
    let limit = Duration::from_secs(1);
    let client = async {
        let mut client = Framed::dialled(a, Codec::V2);
        let offer = Offer::new(Bootstrap::default()).unwrap();
        client
            .feed_hello(FrameType::ClientHello, offer.payload())
            .unwrap();
        client.send(&start("login")).await.unwrap();
        let hello = client.server_hello(limit).await.unwrap().unwrap();
        let keys = offer.accept(&hello, &token).unwrap();
        let _answer: Ping = client.expect(limit, "answer").await.unwrap();
        let mut client = client.encrypt(&ControlCipher::Aead(keys)).unwrap();
        for _ in 0..100 {
            assert_eq!(client.next().await.unwrap(), Some(start("hidden")));
        }
        assert_eq!(client.next().await.unwrap(), None);
    };
    let server = async {
        let mut server = Framed::accepted(b).await.unwrap().unwrap();
        let Some(Opening::Hello(hello)) = server.opening().await.unwrap() else {
            panic!("no hello");
        };
        let agreed = negotiate(&hello, &token).unwrap();
        server
            .feed_hello(FrameType::ServerHello, &agreed.payload)
            .unwrap();
        assert_eq!(server.next().await.unwrap(), Some(start("login")));
        server.send(&Ping::default().into()).await.unwrap();
        let mut server = server.encrypt(&ControlCipher::Aead(agreed.keys)).unwrap();
        for _ in 0..100 {
            server.feed(&start("hidden")).unwrap();
        }
        server.flush().await.unwrap();
    };
    tokio::join!(client, server);
}

#[tokio::test]
async fn an_answer_in_version_one_is_no_hello() {
    let (a, mut b) = streams();
    let mut client = Framed::dialled(a, Codec::V2);
    client.send(&start("login")).await.unwrap();
    let mut head = [0; 7];
    b.read_exact(&mut head).await.unwrap();
    assert_eq!(head, MAGIC);
    b.write_all(b"1\0\0\0\0\0\0\0\x02{}").await.unwrap();
    let got = client.server_hello(Duration::from_secs(1)).await;
    assert!(matches!(got, Err(TransportError::Malformed(_))), "{got:?}");
}
