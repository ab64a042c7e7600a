use std::{
    net::Ipv4Addr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use culvert_conf::{Secret, VisitorConfig, VisitorKind};
use culvert_io::Scope;
use culvert_proxy::{BoxClientProxy, LayerFlags, Opened, ServerKind};
use culvert_transport::Framed;
use culvert_wire::{
    Codec, Message,
    msg::{NewProxy, NewVisitorConnResp, Ping, StartWorkConn, UdpPacket},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UdpSocket,
    runtime::Handle,
    time::Instant,
};

use super::{SudpKind, SudpVisitor, bridge};
use crate::{
    testing::{Joined, OWNER, all_flags, datagrams::Path},
    udp::LocalUdp,
    visiting::{
        Visitors,
        door::{Door, config, free_port, greet, unhex, wire},
    },
};

async fn open(visitors: &Visitors, joined: &Arc<Joined>) -> Opened {
    let ask = NewProxy {
        sk: "sk".to_owned(),
        allow_users: vec!["*".to_owned()],
        ..NewProxy::default()
    };
    let kind = SudpKind::new(visitors.clone());
    let opened = kind.open(&ask, Arc::clone(joined) as _, &joined.scope);
    opened.await.unwrap()
}

/// A service that sends every datagram back, in the scope.
async fn echo(scope: &Scope) -> BoxClientProxy {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = socket.local_addr().unwrap().port();
    scope.spawn(async move {
        let mut buffer = vec![0; 65_536];
        loop {
            let (n, from) = socket.recv_from(&mut buffer).await.unwrap();
            socket.send_to(&buffer[..n], from).await.unwrap();
        }
    });
    Arc::new(LocalUdp::new("127.0.0.1".to_owned(), port, 1500, None).for_visitors())
}

/// A user of the visitor on `port`.
async fn user(port: u16) -> UdpSocket {
    let user = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    user.connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    user
}

/// Sends until the visitor listens and the answer is there.
async fn says(user: &UdpSocket, text: &[u8]) {
    let mut got = [0; 2000];
    loop {
        if user.send(text).await.is_ok()
            && let Ok(n) = user.recv(&mut got).await
        {
            assert_eq!(&got[..n], text);
            return;
        }
        tokio::task::yield_now().await;
    }
}

fn visitor(config: &VisitorConfig) -> SudpVisitor {
    SudpVisitor::new(config, 1500)
}

fn packet(text: &'static str) -> Message {
    UdpPacket::new(text, ([192, 0, 2, 9], 9).into()).into()
}

#[tokio::test]
async fn datagrams_come_back_over_all_wires_and_layers() {
    let services = Scope::root(Handle::current());
    let local = echo(&services).await;
    for (inner, outer) in [
        (Codec::V1, Codec::V1),
        (Codec::V2, Codec::V2),
        (Codec::V1, Codec::V2),
        (Codec::V2, Codec::V1),
    ] {
        for flags in all_flags() {
            for hidden in [false, true] {
                let visitors = Visitors::default();
                let joined = Joined::new(Some(Arc::clone(&local)), flags.clone());
                *joined.codec.lock() = inner;
                let _opened = open(&visitors, &joined).await;
                let door = Door::new(&visitors, "guest");
                *door.codec.lock() = outer;
                let port = free_port();
                door.run(visitor(&VisitorConfig {
                    use_encryption: hidden,
                    use_compression: !hidden,
                    ..config(VisitorKind::Sudp, port)
                }));
                let (one, two) = (user(port).await, user(port).await);
                says(&one, b"hello").await;
                says(&two, b"").await;
                says(&two, &[7; 1500]).await;
                says(&one, b"still here").await;
                assert_eq!(door.asked.load(Ordering::Relaxed), 1);
                assert_eq!(joined.asked.load(Ordering::Relaxed), 1);
                door.close().await;
                joined.close().await;
            }
        }
    }
    services.close(Duration::ZERO).await;
}

#[tokio::test]
async fn a_service_with_datagrams_is_joined_to_a_visitor_with_messages() {
    let services = Scope::root(Handle::current());
    let local = echo(&services).await;
    let visitors = Visitors::default();
    let joined = Joined::new(Some(local), LayerFlags::default());
    let path = Path::new(1200, 0);
    *joined.path.lock() = Some(Arc::clone(&path));
    let _opened = open(&visitors, &joined).await;
    let door = Door::new(&visitors, "guest");
    let port = free_port();
    door.run(visitor(&config(VisitorKind::Sudp, port)));
    let user = user(port).await;
    says(&user, b"hello").await;
    says(&user, &[7; 1500]).await;
    assert!(path.sent() >= 6, "{}", path.sent());
    door.close().await;
    joined.close().await;
    services.close(Duration::ZERO).await;
}

#[tokio::test]
async fn two_visitors_do_not_take_each_others_work_connection() {
    let services = Scope::root(Handle::current());
    let local = echo(&services).await;
    let visitors = Visitors::default();
    let joined = Joined::new(Some(local), LayerFlags::default());
    let _opened = open(&visitors, &joined).await;
    let door = Door::new(&visitors, "guest");
    let mut users = Vec::new();
    for _ in 0..2 {
        let port = free_port();
        door.run(visitor(&config(VisitorKind::Sudp, port)));
        users.push(user(port).await);
    }
    for _ in 0..3 {
        for user in &users {
            says(user, b"hello").await;
        }
    }
    assert_eq!(joined.asked.load(Ordering::Relaxed), 2);
    door.close().await;
    joined.close().await;
    services.close(Duration::ZERO).await;
}

#[tokio::test]
async fn between_two_versions_only_a_services_pings_go_through() {
    let (visitor, outer) = wire();
    let (inner, service) = wire();
    let joined = tokio::join!(
        bridge((outer, Codec::V2), (inner, Codec::V1), None),
        async {
            let mut visitor = Framed::new(visitor, Codec::V2);
            let mut service = Framed::new(service, Codec::V1);
            visitor.send(&Ping::default().into()).await.unwrap();
            visitor.send(&packet("in")).await.unwrap();
            assert_eq!(service.next().await.unwrap(), Some(packet("in")));
            service.send(&Ping::default().into()).await.unwrap();
            service.send(&packet("out")).await.unwrap();
            let ping = Some(Ping::default().into());
            assert_eq!(visitor.next().await.unwrap(), ping);
            assert_eq!(visitor.next().await.unwrap(), Some(packet("out")));
            let stray = StartWorkConn::default();
            visitor.send(&stray.into()).await.unwrap();
            assert_eq!(visitor.next().await.unwrap(), None);
            assert_eq!(service.next().await.unwrap(), None);
        }
    );
    joined.0.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn a_silent_service_costs_both_sides_a_minute() {
    let (visitor, outer) = wire();
    let (inner, service) = wire();
    let started = Instant::now();
    let error = bridge((outer, Codec::V2), (inner, Codec::V1), None).await;
    assert_eq!(error.unwrap_err().to_string(), "no message for 60 s");
    assert_eq!(started.elapsed().as_secs(), 60);
    drop((visitor, service));
}

/// The server's end of a visitor's connection, the visitor being welcome.
async fn welcome(door: &Door) -> Framed {
    door.ask.notified().await;
    let mut end = door.ends.lock().pop().unwrap();
    // What says the version stands in front, as frps reads it.
    let Some(Message::NewVisitorConn(ask)) = end.next().await.unwrap() else {
        panic!("not a visitor");
    };
    assert_eq!(ask.proxy_name, "owner.proxy");
    assert_eq!(ask.run_id, "id");
    let answer = NewVisitorConnResp::default();
    end.send(&answer.into()).await.unwrap();
    end
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_is_closed_and_opened_by_the_next_datagram() {
    let door = Door::new(&Visitors::default(), OWNER);
    door.by_hand.store(true, Ordering::Relaxed);
    let port = free_port();
    door.run(visitor(&config(VisitorKind::Sudp, port)));
    tokio::task::yield_now().await;
    let user = user(port).await;
    for _ in 0..2 {
        user.send(b"hello").await.unwrap();
        let mut end = welcome(&door).await;
        let Some(Message::UdpPacket(first)) = end.next().await.unwrap() else {
            panic!("not a datagram");
        };
        assert_eq!(first.user().unwrap(), user.local_addr().unwrap());
        end.send(&first.reply("back").into()).await.unwrap();
        let mut got = [0; 10];
        let n = user.recv(&mut got).await.unwrap();
        assert_eq!(&got[..n], b"back");
        // The service's pings keep it open; the visitor has none of its own.
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_secs(30)).await;
            end.send(&Ping::default().into()).await.unwrap();
        }
        let pinged = Instant::now();
        assert_eq!(end.next().await.unwrap(), None);
        assert_eq!(pinged.elapsed().as_secs(), 60);
    }
    assert_eq!(door.asked.load(Ordering::Relaxed), 2);
    door.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_visitor_that_is_refused_asks_once_a_second() {
    let visitors = Visitors::default();
    let joined = Joined::new(None, LayerFlags::default());
    let _opened = open(&visitors, &joined).await;
    let door = Door::new(&visitors, OWNER);
    let port = free_port();
    door.run(visitor(&VisitorConfig {
        secret_key: Secret::new("other"),
        ..config(VisitorKind::Sudp, port)
    }));
    tokio::task::yield_now().await;
    let user = user(port).await;
    let started = Instant::now();
    for _ in 0..100 {
        user.send(b"flood").await.unwrap();
    }
    for _ in 0..10 {
        door.ask.notified().await;
    }
    assert_eq!(started.elapsed().as_secs(), 9);
    assert_eq!(joined.asked.load(Ordering::Relaxed), 0);
    door.close().await;
    joined.close().await;
}

/// A visitor of frpc 0.70.1 with `wireProtocol = "v2"`, the proxy on v1, byte for byte.
#[tokio::test]
async fn a_recorded_visitor_of_another_version_is_served() {
    let services = Scope::root(Handle::current());
    let local = echo(&services).await;
    let visitors = Visitors::default();
    let joined = Joined::named("p", Some(local), LayerFlags::default());
    let _opened = open(&visitors, &joined).await;
    let (mut near, far) = wire();
    let sent = "46525000020d0a001000000000007500097b2272756e5f6964223a2231396134636364633965333537396564\
        222c2270726f78795f6e616d65223a2270222c227369676e5f6b6579223a2261376531653662626138343737326565\
        32616363396562363265653232613265222c2274696d657374616d70223a313739353136363335317d001000000000\
        0044000d7b2263223a2263476c755a7942315a48413d222c2272223a7b224950223a223132372e302e302e31222c22\
        506f7274223a33323737372c225a6f6e65223a22227d7d";
    near.write_all(&unhex(sent)).await.unwrap();
    greet(&visitors, "", far).await;
    let expected = unhex(
        "0010000000000014000a7b2270726f78795f6e616d65223a2270227d0010000000000044000d7b2263223a22634\
        76c755a7942315a48413d222c2272223a7b224950223a223132372e302e302e31222c22506f7274223a3332373737\
        2c225a6f6e65223a22227d7d",
    );
    let mut got = vec![0; expected.len()];
    near.read_exact(&mut got).await.unwrap();
    assert_eq!(got, expected);
    joined.close().await;
    services.close(Duration::ZERO).await;
}
