use tokio::time;

use super::*;

struct Bench {
    service: UdpSocket,
    sockets: Sockets,
    answers: mpsc::Receiver<UdpPacket>,
}

async fn bench(proxy_protocol: Option<ProxyProtocol>) -> Bench {
    let service = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let target = service.local_addr().unwrap();
    let (to_server, answers) = mpsc::channel(8);
    let scope = Scope::root(tokio::runtime::Handle::current());
    let sockets = Sockets::new(target, 100, proxy_protocol, to_server, scope);
    Bench {
        service,
        sockets,
        answers,
    }
}

fn user(port: u16) -> SocketAddr {
    (Ipv4Addr::new(10, 0, 0, 1), port).into()
}

impl Bench {
    /// What the service gets of a user's datagram, and from where.
    async fn send(&self, from: u16, datagram: &[u8]) -> (Vec<u8>, SocketAddr) {
        let packet = UdpPacket::new(Bytes::copy_from_slice(datagram), user(from));
        self.sockets.deliver(packet).await;
        let mut got = vec![0; 1000];
        let (n, local) = self.service.recv_from(&mut got).await.unwrap();
        got.truncate(n);
        (got, local)
    }

    fn open(&self) -> usize {
        self.sockets.open.lock().len()
    }
}

#[tokio::test]
async fn each_user_has_a_socket_and_gets_its_own_answers() {
    let mut bench = bench(None).await;
    let (got, one) = bench.send(1, b"one").await;
    assert_eq!(got, b"one");
    let (_, two) = bench.send(2, b"two").await;
    assert_ne!(one, two);
    assert_eq!(bench.send(1, b"").await, (Vec::new(), one));
    for (local, from, text) in [(two, 2, "for two"), (one, 1, ""), (one, 1, "for one")] {
        bench.service.send_to(text.as_bytes(), local).await.unwrap();
        let answer = bench.answers.recv().await.unwrap();
        assert_eq!(answer.c, text);
        assert_eq!(answer.user().unwrap(), user(from));
    }
}

#[tokio::test]
async fn answers_are_cut() {
    let mut bench = bench(None).await;
    let (_, local) = bench.send(1, b"ask").await;
    bench.service.send_to(&[7; 150], local).await.unwrap();
    assert_eq!(bench.answers.recv().await.unwrap().c, [7; 100][..]);
}

#[tokio::test]
async fn only_the_first_datagram_names_the_user() {
    for (version, header) in [
        (ProxyProtocol::V1, &b"PROXY UNKNOWN\r\n"[..]),
        (
            ProxyProtocol::V2,
            b"\r\n\r\n\0\r\nQUIT\n\x21\x12\0\x0c\x0a\0\0\x01\x7f\0\0\x01\0\x01",
        ),
    ] {
        let bench = bench(Some(version)).await;
        let (first, _) = bench.send(1, b"payload").await;
        assert!(first.starts_with(header), "{first:?}");
        assert!(first.ends_with(b"payload"));
        assert_eq!(bench.send(1, b"payload").await.0, b"payload");
    }
}

#[tokio::test]
async fn the_longest_unused_socket_makes_room() {
    let mut bench = bench(None).await;
    bench.sockets.most = 3;
    let mut locals = Vec::new();
    for from in [1, 2, 3, 1] {
        locals.push(bench.send(from, b"x").await.1);
    }
    assert_eq!(locals[0], locals[3]);
    bench.send(4, b"x").await;
    assert_eq!(bench.open(), 3);
    assert_eq!(bench.send(1, b"x").await.1, locals[0]);
    assert_eq!(bench.send(3, b"x").await.1, locals[2]);
    assert_ne!(bench.send(2, b"x").await.1, locals[1]);
}

#[tokio::test]
async fn an_idle_socket_is_closed_and_a_used_one_is_not() {
    let bench = bench(None).await;
    bench.send(1, b"x").await;
    bench.send(2, b"x").await;
    time::pause();
    time::advance(IDLE / 2).await;
    bench.sockets.deliver(UdpPacket::new("x", user(1))).await;
    time::advance(IDLE / 2 + Duration::from_millis(1)).await;
    while bench.open() == 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.open(), 1);
    time::advance(IDLE / 2).await;
    while bench.open() == 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.sockets.scope.tasks(), 0);
}

#[tokio::test]
async fn a_service_may_come_back() {
    let Bench {
        service,
        sockets,
        mut answers,
    } = bench(None).await;
    let at = service.local_addr().unwrap();
    drop(service);
    for _ in 0..3 {
        sockets.deliver(UdpPacket::new("x", user(1))).await;
    }
    let service = UdpSocket::bind(at).await.unwrap();
    sockets.deliver(UdpPacket::new("hello", user(1))).await;
    let mut got = [0; 10];
    let (n, local) = service.recv_from(&mut got).await.unwrap();
    assert_eq!(&got[..n], b"hello");
    service.send_to(b"back", local).await.unwrap();
    assert_eq!(answers.recv().await.unwrap().c, "back");
}

#[tokio::test]
async fn a_packet_without_user_is_dropped() {
    let bench = bench(None).await;
    bench
        .sockets
        .deliver(UdpPacket {
            c: "x".into(),
            l: None,
            r: None,
        })
        .await;
    assert_eq!(bench.open(), 0);
}
