mod datagrams;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use culvert_conf::PortRanges;
use culvert_io::{Meter, Scope};
use culvert_proxy::{ClientProxy, LayerFlags, Opened, ServerCx, ServerKind, UserAddrs, Work};
use culvert_transport::Framed;
use culvert_wire::{
    Codec, Message,
    msg::{NewProxy, Ping, StartWorkConn, UdpPacket},
};
use tokio::{
    net::UdpSocket,
    runtime::Handle,
    time::{self, Instant},
};

use super::{LocalUdp, UdpKind};
use crate::{
    ports::Ports,
    testing::{Dice, Joined, all_flags},
};

fn kind(packet_size: usize) -> UdpKind {
    UdpKind::new(
        Ports::new(Ipv4Addr::LOCALHOST.into(), PortRanges::All),
        packet_size,
    )
}

async fn open(kind: &UdpKind, joined: &Arc<Joined>) -> (Opened, SocketAddr) {
    let cx = Arc::clone(joined);
    let opened = kind
        .open(&NewProxy::default(), cx, &joined.scope)
        .await
        .unwrap();
    let port: u16 = opened
        .remote_addr
        .strip_prefix(':')
        .unwrap()
        .parse()
        .unwrap();
    (opened, (Ipv4Addr::LOCALHOST, port).into())
}

/// A service that sends every datagram back, in the scope.
async fn echo(scope: &Scope) -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let addr = socket.local_addr().unwrap();
    scope.spawn(async move {
        let mut buffer = vec![0; 65_536];
        loop {
            let (n, from) = socket.recv_from(&mut buffer).await.unwrap();
            socket.send_to(&buffer[..n], from).await.unwrap();
        }
    });
    addr
}

async fn user(to: SocketAddr) -> UdpSocket {
    let user = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    user.connect(to).await.unwrap();
    user
}

async fn ask(user: &UdpSocket, datagram: &[u8]) -> Vec<u8> {
    user.send(datagram).await.unwrap();
    let mut got = vec![0; 65_536];
    let n = user.recv(&mut got).await.unwrap();
    got.truncate(n);
    got
}

fn local(addr: SocketAddr, packet_size: usize) -> Arc<LocalUdp> {
    Arc::new(LocalUdp::new(
        addr.ip().to_string(),
        addr.port(),
        packet_size,
        None,
    ))
}

/// The client's end of the newest work connection, as messages.
fn end(joined: &Joined) -> Framed {
    Framed::new(joined.ends.lock().pop().unwrap(), Codec::V1)
}

#[tokio::test]
async fn datagrams_come_back_under_all_layers() {
    let services = Scope::root(Handle::current());
    let echo = echo(&services).await;
    for flags in all_flags() {
        let joined = Joined::new(Some(local(echo, 1500)), flags);
        let (_opened, addr) = open(&kind(1500), &joined).await;
        let one = user(addr).await;
        let mut dice = Dice(1);
        for len in [1, 0, 100, 1500, 0] {
            let datagram = dice.bytes(len);
            assert_eq!(ask(&one, &datagram).await, datagram, "{len} bytes");
        }
        let two = user(addr).await;
        assert_eq!(ask(&two, b"another user").await, b"another user");
        assert_eq!(ask(&one, b"the first").await, b"the first");
        assert_eq!(joined.asked.load(Ordering::Relaxed), 1);
        assert_eq!(joined.served.lock()[..], [UserAddrs::default()]);
        joined.close().await;
    }
    services.close(Duration::ZERO).await;
}

#[tokio::test]
async fn bursts_of_many_users_come_back_in_order() {
    let services = Scope::root(Handle::current());
    let echo = echo(&services).await;
    let joined = Joined::new(Some(local(echo, 1500)), LayerFlags::default());
    let (_opened, addr) = open(&kind(1500), &joined).await;
    let mut users = Vec::new();
    for _ in 0..10 {
        let user = user(addr).await;
        assert_eq!(ask(&user, b"warm").await, b"warm");
        users.push(user);
    }
    // Little enough for every socket's default buffer.
    for (n, user) in users.iter().enumerate() {
        for i in 0..10 {
            user.send(format!("{n} says {i}").as_bytes()).await.unwrap();
        }
    }
    let mut got = [0; 100];
    for (n, user) in users.iter().enumerate() {
        for i in 0..10 {
            let len = user.recv(&mut got).await.unwrap();
            assert_eq!(got[..len], *format!("{n} says {i}").as_bytes());
        }
    }
    joined.close().await;
    services.close(Duration::ZERO).await;
}

#[tokio::test]
async fn datagrams_are_cut_where_the_ends_say() {
    let services = Scope::root(Handle::current());
    let echo = echo(&services).await;
    for (server, client, expected) in [(100, 1500, 100), (1500, 80, 80)] {
        let joined = Joined::new(Some(local(echo, client)), LayerFlags::default());
        let (_opened, addr) = open(&kind(server), &joined).await;
        let datagram = Dice(5).bytes(200);
        assert_eq!(
            ask(&user(addr).await, &datagram).await,
            datagram[..expected]
        );
        joined.close().await;
    }
    services.close(Duration::ZERO).await;
}

#[tokio::test]
async fn a_datagram_too_long_for_a_message_is_dropped_alone() {
    let services = Scope::root(Handle::current());
    let echo = echo(&services).await;
    let joined = Joined::new(Some(local(echo, 60_000)), LayerFlags::default());
    let (_opened, addr) = open(&kind(60_000), &joined).await;
    let user = user(addr).await;
    user.send(&[1; 9000]).await.unwrap();
    assert_eq!(ask(&user, &[2; 7500]).await, [2; 7500]);
    assert_eq!(joined.asked.load(Ordering::Relaxed), 1);
    joined.close().await;
    services.close(Duration::ZERO).await;
}

#[tokio::test]
async fn a_lost_work_connection_is_replaced() {
    let services = Scope::root(Handle::current());
    let echo = echo(&services).await;
    let joined = Joined::new(Some(local(echo, 1500)), LayerFlags::default());
    let (_opened, addr) = open(&kind(1500), &joined).await;
    let user = user(addr).await;
    for text in ["first", "second", "third"] {
        joined.ask.notified().await;
        assert_eq!(ask(&user, text.as_bytes()).await, text.as_bytes());
        joined.newest.lock().take().unwrap().stop();
    }
    joined.close().await;
    services.close(Duration::ZERO).await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_replaced_after_a_minute_and_hears_no_ping() {
    let start = Instant::now();
    let joined = Joined::new(None, LayerFlags::default());
    let (_opened, _) = open(&kind(1500), &joined).await;
    joined.ask.notified().await;
    assert_eq!(start.elapsed().as_millis() / 100, 5);
    let mut client = end(&joined);
    time::sleep(Duration::from_secs(50)).await;
    client.send(&Ping::default().into()).await.unwrap();
    let pinged = Instant::now();
    assert_eq!(client.next().await.unwrap(), None);
    assert_eq!(pinged.elapsed().as_secs(), 60);
    joined.ask.notified().await;
    assert_eq!(pinged.elapsed().as_secs(), 60);
    joined.close().await;
}

#[tokio::test(start_paused = true)]
async fn asks_are_a_second_apart() {
    let start = Instant::now();
    let joined = Joined::new(None, LayerFlags::default());
    joined.refuse.store(true, Ordering::Relaxed);
    let (_opened, _) = open(&kind(1500), &joined).await;
    for _ in 0..10 {
        joined.ask.notified().await;
    }
    assert_eq!(start.elapsed().as_millis() / 100, 95);
    // Nor can a client that closes each one at once make it faster.
    joined.refuse.store(false, Ordering::Relaxed);
    let start = Instant::now();
    for _ in 0..10 {
        joined.ask.notified().await;
        drop(end(&joined));
    }
    assert_eq!(start.elapsed().as_secs(), 10);
    joined.close().await;
}

#[tokio::test]
async fn a_client_out_of_turn_loses_its_work_connection() {
    let joined = Joined::new(None, LayerFlags::default());
    let (_opened, addr) = open(&kind(1500), &joined).await;
    for message in [
        Message::from(StartWorkConn::default()),
        NewProxy::default().into(),
    ] {
        joined.ask.notified().await;
        let mut client = end(&joined);
        client.send(&message).await.unwrap();
        assert_eq!(client.next().await.unwrap(), None);
    }
    joined.ask.notified().await;
    let mut client = end(&joined);
    // Neither a packet for nobody nor a good one is out of turn.
    let user = user(addr).await;
    client.send(&UdpPacket::default().into()).await.unwrap();
    let answer = UdpPacket::new("answer", user.local_addr().unwrap());
    client.send(&answer.into()).await.unwrap();
    let mut got = [0; 10];
    let n = user.recv(&mut got).await.unwrap();
    assert_eq!(&got[..n], b"answer");
    joined.close().await;
}

#[tokio::test]
async fn the_end_of_the_proxy_frees_the_port() {
    let kind = kind(1500);
    let joined = Joined::new(None, LayerFlags::default());
    let (opened, addr) = open(&kind, &joined).await;
    let port = addr.port();
    let again = NewProxy {
        remote_port: i64::from(port),
        ..NewProxy::default()
    };
    let refused = kind
        .open(&again, Arc::clone(&joined) as _, &joined.scope)
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("acquire port {port} error: port already used")
    );
    assert_eq!(joined.seats.load(Ordering::Relaxed), 1);
    joined.scope.close(Duration::ZERO).await;
    drop(opened);
    assert_eq!(joined.seats.load(Ordering::Relaxed), 0);
    let next = Joined::new(None, LayerFlags::default());
    let opened = kind
        .open(&again, Arc::clone(&next) as _, &next.scope)
        .await
        .unwrap();
    assert_eq!(opened.remote_addr, format!(":{port}"));
    next.close().await;
    joined.close().await;
}

#[tokio::test]
async fn a_wildcard_port_serves_ipv4() {
    let services = Scope::root(Handle::current());
    let echo = echo(&services).await;
    let ports = Ports::new(Ipv4Addr::UNSPECIFIED.into(), PortRanges::All);
    let joined = Joined::new(Some(local(echo, 1500)), LayerFlags::default());
    let (_opened, addr) = open(&UdpKind::new(ports, 1500), &joined).await;
    assert_eq!(ask(&user(addr).await, b"hello").await, b"hello");
    joined.close().await;
    services.close(Duration::ZERO).await;
}

/// Work connections to a client without a server.
async fn work(joined: &Joined) -> (Work, Framed) {
    let near = joined.work_conn(UserAddrs::default()).await.unwrap();
    let stream = joined.ends.lock().pop().unwrap();
    (
        Work {
            stream,
            start: StartWorkConn::default(),
            codec: Codec::V1,
        },
        Framed::new(near, Codec::V1),
    )
}

#[tokio::test(start_paused = true)]
async fn a_client_pings_every_half_minute() {
    let joined = Joined::new(None, LayerFlags::default());
    let (work, mut server) = work(&joined).await;
    let client = LocalUdp::new("127.0.0.1".to_owned(), 9, 1500, None);
    let start = Instant::now();
    let pings = async {
        for n in 1..=3 {
            assert_eq!(server.next().await.unwrap(), Some(Ping::default().into()));
            assert_eq!(start.elapsed().as_secs(), n * 30);
        }
        drop(server);
    };
    let (served, ()) = tokio::join!(client.serve(work, &joined.scope), pings);
    served.unwrap();
    joined.close().await;
}

#[tokio::test]
async fn a_newer_work_connection_ends_the_one_before() {
    let joined = Joined::new(None, LayerFlags::default());
    let (first, mut near) = work(&joined).await;
    let (second, other) = work(&joined).await;
    let client = LocalUdp::new("127.0.0.1".to_owned(), 9, 1500, None);
    let newer = async {
        tokio::select! {
            served = client.serve(second, &joined.scope) => panic!("{served:?}"),
            ended = near.next() => assert_eq!(ended.unwrap(), None),
        }
    };
    let (served, ()) = tokio::join!(client.serve(first, &joined.scope), newer);
    served.unwrap();
    drop(other);
    joined.close().await;
}

#[tokio::test]
async fn a_service_without_address_is_an_error_of_its_own() {
    let joined = Joined::new(None, LayerFlags::default());
    let (work, _near) = work(&joined).await;
    let client = LocalUdp::new(String::new(), 9, 1500, None);
    let error = client
        .serve(work, &joined.scope)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("connect to local service [:9] error: "),
        "{error}"
    );
    joined.close().await;
}

#[tokio::test]
async fn datagrams_are_written_in_the_version_of_the_session() {
    let services = Scope::root(Handle::current());
    let echo = echo(&services).await;
    let joined = Joined::new(Some(local(echo, 60_000)), LayerFlags::default());
    *joined.codec.lock() = Codec::V2;
    let (_opened, addr) = open(&kind(60_000), &joined).await;
    let one = user(addr).await;
    let mut dice = Dice(1);
    // Version 1 has no room for the last.
    for len in [1, 0, 1500, 40_000] {
        let datagram = dice.bytes(len);
        assert_eq!(ask(&one, &datagram).await, datagram, "{len} bytes");
    }
    joined.close().await;

    let joined = Joined::new(None, LayerFlags::default());
    *joined.codec.lock() = Codec::V2;
    let (_opened, addr) = open(&kind(1500), &joined).await;
    let user = user(addr).await;
    user.send(b"ping Adp").await.unwrap();
    joined.ask.notified().await;
    let far = joined.ends.lock().pop().unwrap();
    let expected = UdpPacket::new(&b"ping Adp"[..], user.local_addr().unwrap());
    let got = Framed::new(far, Codec::V2).next().await.unwrap();
    assert_eq!(got, Some(expected.into()));
    joined.close().await;
    services.close(Duration::ZERO).await;
}

/// One datagram and its answer as frps and frpc 0.70.1 put them on a work connection.
const RECORDED: &[u8] =
    b"u\0\0\0\0\0\0\0\x42{\"c\":\"cGluZyBBZHA=\",\"r\":{\"IP\":\"127.0.0.1\",\"Port\":52764,\"Zone\":\"\"}}";

#[tokio::test]
async fn both_ends_put_the_recorded_bytes_on_the_wire() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let service = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let client = local(service.local_addr().unwrap(), 1500);
    let joined = Joined::new(None, LayerFlags::default());
    let mut near = joined.work_conn(UserAddrs::default()).await.unwrap();
    let stream = joined.ends.lock().pop().unwrap();
    let scope = joined.scope.clone();
    joined.scope.spawn(async move {
        let work = Work {
            stream,
            start: StartWorkConn::default(),
            codec: Codec::V1,
        };
        client.serve(work, &scope).await.unwrap();
    });
    near.write_all(RECORDED).await.unwrap();
    let mut datagram = [0; 100];
    let (n, from) = service.recv_from(&mut datagram).await.unwrap();
    service.send_to(&datagram[..n], from).await.unwrap();
    let mut answer = vec![0; RECORDED.len()];
    near.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, RECORDED);
    joined.close().await;

    let joined = Joined::new(None, LayerFlags::default());
    let (_opened, addr) = open(&kind(1500), &joined).await;
    let user = user(addr).await;
    user.send(b"ping Adp").await.unwrap();
    joined.ask.notified().await;
    let mut far = joined.ends.lock().pop().unwrap();
    let port = user.local_addr().unwrap().port().to_string();
    let expected = String::from_utf8(RECORDED[9..].to_vec())
        .unwrap()
        .replace("52764", &port);
    let mut got = vec![0; 9 + expected.len()];
    far.read_exact(&mut got).await.unwrap();
    assert_eq!(got[9..], *expected.as_bytes());
    joined.close().await;
}

#[tokio::test]
async fn a_client_counts_datagrams() {
    let services = Scope::root(Handle::current());
    let echo = echo(&services).await;
    let joined = Joined::new(None, LayerFlags::default());
    let (mut work, mut server) = work(&joined).await;
    let meter = Arc::new(Meter::new());
    work.stream = work.stream.metered(Arc::clone(&meter));
    let client = LocalUdp::new(echo.ip().to_string(), echo.port(), 1500, None);
    let talk = async {
        let packet = UdpPacket::new(Bytes::from_static(b"hello"), ([192, 0, 2, 1], 9).into());
        server.send(&packet.into()).await.unwrap();
        let Some(Message::UdpPacket(answer)) = server.next().await.unwrap() else {
            panic!("an answer");
        };
        assert_eq!(answer.c, "hello");
        drop(server);
    };
    let (served, ()) = tokio::join!(client.serve(work, &joined.scope), talk);
    served.unwrap();
    assert_eq!((meter.bytes_in(), meter.bytes_out()), (5, 5));
    joined.close().await;
    services.close(Duration::ZERO).await;
}
