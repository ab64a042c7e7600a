use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, atomic::Ordering},
};

use culvert_http::ConnectVhost;
use culvert_io::{Peer, Stream};
use culvert_proxy::{Opened, ProxyError, ServerKind};
use culvert_wire::msg::NewProxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::TcpMuxKind;
use crate::testing::{Joined, all_flags};

fn ask(domain: &str) -> NewProxy {
    NewProxy {
        proxy_name: format!("mux {domain}"),
        proxy_type: "tcpmux".to_owned(),
        multiplexer: "httpconnect".to_owned(),
        custom_domains: vec![domain.to_owned()],
        ..NewProxy::default()
    }
}

fn kind() -> (TcpMuxKind, Arc<ConnectVhost>) {
    let vhost = Arc::new(ConnectVhost::new(false, None));
    let kind = TcpMuxKind::new(Some(Arc::clone(&vhost)), 1337, "frp.test".to_owned());
    (kind, vhost)
}

fn session() -> Arc<Joined> {
    let [plain, ..] = all_flags();
    Joined::new(None, plain)
}

async fn open(
    kind: &TcpMuxKind,
    ask: &NewProxy,
    session: &Arc<Joined>,
) -> Result<Opened, ProxyError> {
    kind.open(ask, Arc::clone(session) as _, &session.scope)
        .await
}

/// A user who sends `bytes`.
async fn user(vhost: &Arc<ConnectVhost>, session: &Joined, bytes: &[u8]) -> DuplexStream {
    let (mut near, far) = duplex(4096);
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000));
    let far = Stream::new(far, Peer::new(addr, addr, "memory"));
    let vhost = Arc::clone(vhost);
    session.scope.spawn(async move { vhost.serve(far).await });
    near.write_all(bytes).await.unwrap();
    near
}

#[tokio::test]
async fn every_refusal_has_its_text() {
    let (kind, _) = kind();
    let session = session();
    let opened = open(&kind, &ask("a.test"), &session).await.unwrap();
    assert_eq!(opened.remote_addr, "a.test:1337");
    let clash = open(&kind, &ask("a.test"), &session).await.unwrap_err();
    assert_eq!(clash.to_string(), "router config conflict");
    let mut other_user = ask("a.test");
    other_user.route_by_http_user = "alice".to_owned();
    open(&kind, &other_user, &session).await.unwrap();
    let mut unknown = ask("b.test");
    unknown.multiplexer = String::new();
    let refused = open(&kind, &unknown, &session).await.unwrap_err();
    assert_eq!(refused.to_string(), "unknown multiplexer []");
    let without = TcpMuxKind::new(None, 0, String::new());
    let refused = open(&without, &ask("a.test"), &session).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "tcpmux with multiplexer httpconnect not supported because this feature is not enabled \
         in server"
    );
    session.close().await;
}

#[tokio::test]
async fn a_group_shares_a_host_and_takes_turns() {
    let (kind, vhost) = kind();
    let mut first = ask("a.test");
    first.group = "g".to_owned();
    first.http_user = "u".to_owned();
    let mut second = first.clone();
    second.proxy_name = "second".to_owned();
    let (one, two) = (session(), session());
    let opened = open(&kind, &first, &one).await.unwrap();
    let mut other = second.clone();
    other.http_pwd = "p".to_owned();
    let refused = open(&kind, &other, &two).await.unwrap_err();
    assert_eq!(refused.to_string(), "group params invalid");
    let also = open(&kind, &second, &two).await.unwrap();
    let connect = b"CONNECT a.test:22 HTTP/1.1\r\nProxy-Authorization: Basic dTo=\r\n\r\n";
    for _ in 0..4 {
        let mut user = user(&vhost, &one, connect).await;
        user.read_exact(&mut [0; 38]).await.unwrap();
    }
    let asked = |session: &Joined| session.asked.load(Ordering::Relaxed);
    assert_eq!((asked(&one), asked(&two)), (2, 2));
    drop(opened);
    for _ in 0..2 {
        let mut user = user(&vhost, &two, connect).await;
        user.read_exact(&mut [0; 38]).await.unwrap();
    }
    assert_eq!((asked(&one), asked(&two)), (2, 4));
    drop(also);
    let mut user = user(&vhost, &two, connect).await;
    let mut seen = String::new();
    user.read_to_string(&mut seen).await.unwrap();
    assert!(seen.starts_with("HTTP/1.1 404 "), "{seen}");
    one.close().await;
    two.close().await;
}

#[tokio::test]
async fn a_member_without_work_connections_is_passed_over() {
    let (kind, vhost) = kind();
    let mut first = ask("a.test");
    first.group = "g".to_owned();
    let mut second = first.clone();
    second.proxy_name = "second".to_owned();
    let (dead, alive) = (session(), session());
    dead.refuse.store(true, Ordering::Relaxed);
    let _opened = (
        open(&kind, &first, &dead).await.unwrap(),
        open(&kind, &second, &alive).await.unwrap(),
    );
    for _ in 0..6 {
        let mut user = user(&vhost, &alive, b"CONNECT a.test:22 HTTP/1.1\r\n\r\n").await;
        let mut seen = [0; 15];
        user.read_exact(&mut seen).await.unwrap();
        assert_eq!(&seen, b"HTTP/1.1 200 OK");
    }
    assert_eq!(alive.asked.load(Ordering::Relaxed), 6);
    // After its first failure it rests.
    assert_eq!(dead.asked.load(Ordering::Relaxed), 1);
    dead.close().await;
    alive.close().await;
}
