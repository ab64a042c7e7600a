//! Groups of tcp proxies: one port, several sessions.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use culvert_conf::PortRanges;
use culvert_proxy::{LayerFlags, Opened, ProxyError, ServerKind};
use culvert_wire::msg::NewProxy;
use tokio::{io::AsyncReadExt, net::TcpStream};

use super::TcpKind;
use crate::{ports::Ports, testing::Joined};

fn kind() -> TcpKind {
    TcpKind::new(Ports::new(Ipv4Addr::LOCALHOST.into(), PortRanges::All))
}

fn ask(name: &str, port: u16) -> NewProxy {
    NewProxy {
        proxy_name: name.to_owned(),
        group: "g".to_owned(),
        group_key: "k".to_owned(),
        remote_port: i64::from(port),
        ..NewProxy::default()
    }
}

fn session(name: &str) -> Arc<Joined> {
    Joined::named(name, None, LayerFlags::default())
}

async fn open(kind: &TcpKind, ask: &NewProxy, cx: &Arc<Joined>) -> Result<Opened, ProxyError> {
    kind.open(ask, Arc::clone(cx) as _, &cx.scope).await
}

fn port(opened: &Opened) -> u16 {
    let text = opened.remote_addr.strip_prefix(':').unwrap();
    text.parse().unwrap()
}

fn asked(session: &Joined) -> usize {
    session.asked.load(Ordering::Relaxed)
}

/// Connects `n` users one after the other, each until somebody serves it.
async fn users(n: usize, port: u16, sessions: &[&Arc<Joined>]) {
    let served = || sessions.iter().map(|one| asked(one)).sum::<usize>();
    for _ in 0..n {
        let before = served();
        let _user = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        while served() == before {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn members_share_a_port_and_take_turns() {
    let kind = kind();
    let (one, two, three) = (session("one"), session("two"), session("three"));
    let first = open(&kind, &ask("one", 0), &one).await.unwrap();
    let port = port(&first);
    let second = open(&kind, &ask("two", 0), &two).await.unwrap();
    assert_eq!(first.remote_addr, second.remote_addr);
    users(6, port, &[&one, &two]).await;
    assert_eq!((asked(&one), asked(&two)), (3, 3));
    // The one that accepts leaves; the port stays open.
    one.scope.close(Duration::ZERO).await;
    drop(first);
    let _third = open(&kind, &ask("three", 0), &three).await.unwrap();
    users(4, port, &[&two, &three]).await;
    assert_eq!((asked(&one), asked(&two), asked(&three)), (3, 5, 2));
    for session in [one, two, three] {
        session.close().await;
    }
}

#[tokio::test]
async fn the_last_member_frees_the_port() {
    let kind = kind();
    let (one, two) = (session("one"), session("two"));
    let first = open(&kind, &ask("one", 0), &one).await.unwrap();
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, port(&first)));
    let second = open(&kind, &ask("two", 0), &two).await.unwrap();
    let alone = NewProxy {
        remote_port: i64::from(at.port()),
        ..NewProxy::default()
    };
    for (session, opened) in [(&one, first), (&two, second)] {
        let refused = open(&kind, &alone, &one).await.unwrap_err();
        assert_eq!(refused.to_string(), "port already used");
        session.scope.close(Duration::ZERO).await;
        drop(opened);
    }
    TcpStream::connect(at).await.unwrap_err();
    let three = session("three");
    let opened = open(&kind, &alone, &three).await.unwrap();
    assert_eq!(port(&opened), at.port());
    for session in [one, two, three] {
        session.close().await;
    }
}

#[tokio::test]
async fn other_members_are_refused_with_the_text_of_upstream() {
    let kind = kind();
    let (one, two) = (session("one"), session("two"));
    let first = open(&kind, &ask("one", 0), &one).await.unwrap();
    let other_port = open(&kind, &ask("two", port(&first)), &two).await;
    let text = "group should have same remote port";
    assert_eq!(other_port.unwrap_err().to_string(), text);
    let mut other_key = ask("two", 0);
    other_key.group_key = String::new();
    let refused = open(&kind, &other_key, &two).await.unwrap_err();
    assert_eq!(refused.to_string(), "group auth failed");
    assert_eq!(two.seats.load(Ordering::Relaxed), 0);
    one.close().await;
    two.close().await;
}

#[tokio::test]
async fn users_of_a_dead_member_are_served_by_the_others() {
    let kind = kind();
    let (dead, alive) = (session("dead"), session("alive"));
    dead.refuse.store(true, Ordering::Relaxed);
    let first = open(&kind, &ask("dead", 0), &dead).await.unwrap();
    let _second = open(&kind, &ask("alive", 0), &alive).await.unwrap();
    users(6, port(&first), &[&alive]).await;
    assert_eq!((asked(&dead), asked(&alive)), (1, 6));
    // With nobody alive, users are sent away.
    alive.refuse.store(true, Ordering::Relaxed);
    let mut user = TcpStream::connect((Ipv4Addr::LOCALHOST, port(&first)))
        .await
        .unwrap();
    assert_eq!(user.read(&mut [0; 1]).await.unwrap(), 0);
    assert_eq!((asked(&dead), asked(&alive)), (2, 7));
    dead.close().await;
    alive.close().await;
}
