use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use culvert_conf::{PortRanges, ProxyProtocol};
use culvert_io::Scope;
use culvert_proxy::{LayerFlags, Opened, ProxyError, ServerKind, Work};
use culvert_wire::msg::NewProxy;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{LocalTcp, TcpKind};
use crate::{
    ports::Ports,
    testing::{Dice, Joined, all_flags},
};

fn kind() -> TcpKind {
    TcpKind::new(Ports::new(Ipv4Addr::LOCALHOST.into(), PortRanges::All))
}

async fn open(kind: &TcpKind, joined: &Arc<Joined>) -> (Opened, SocketAddr) {
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

/// A service that sends everything back, in the scope.
async fn echo(scope: &Scope) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let inner = scope.clone();
    scope.spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            inner.spawn(async move {
                let (mut read, mut write) = socket.split();
                let _end = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
    addr
}

fn local(addr: SocketAddr, proxy_protocol: Option<ProxyProtocol>) -> LocalTcp {
    LocalTcp::new(addr.ip().to_string(), addr.port(), proxy_protocol)
}

/// Sends `len` bytes in pieces of random sizes and checks that they come back.
async fn talk(to: SocketAddr, len: usize, mut dice: Dice) {
    let plain = dice.bytes(len);
    let (mut read, mut write) = TcpStream::connect(to).await.unwrap().into_split();
    let mut got = vec![0; len];
    let send = async {
        let mut rest = &plain[..];
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(rest.len().min(1 + dice.roll(20_000)));
            write.write_all(piece).await.unwrap();
            rest = more;
        }
    };
    let (_, read) = tokio::join!(send, read.read_exact(&mut got));
    read.unwrap();
    assert!(got == plain, "{len} bytes differ");
}

#[tokio::test]
async fn bytes_come_back_under_all_layers() {
    let services = Scope::root(tokio::runtime::Handle::current());
    let echo = echo(&services).await;
    for flags in all_flags() {
        let joined = Joined::new(Some(Arc::new(local(echo, None))), flags);
        let (_opened, addr) = open(&kind(), &joined).await;
        for (seed, len) in [(1, 0), (2, 1), (3, 1000), (4, 65_537), (5, 700_000)] {
            talk(addr, len, Dice(seed)).await;
        }
        joined.close().await;
    }
    services.close(Duration::ZERO).await;
}

#[tokio::test]
async fn two_hundred_users_at_once() {
    let services = Scope::root(tokio::runtime::Handle::current());
    let echo = echo(&services).await;
    let [plain, .., both] = all_flags();
    for flags in [plain, both] {
        let joined = Joined::new(Some(Arc::new(local(echo, None))), flags);
        let (_opened, addr) = open(&kind(), &joined).await;
        let talkers = Scope::root(tokio::runtime::Handle::current());
        let (done, mut end) = tokio::sync::mpsc::channel(200);
        for seed in 0..200 {
            let done = done.clone();
            talkers.spawn(async move {
                let mut dice = Dice(seed);
                let len = dice.roll(60_000);
                talk(addr, len, dice).await;
                done.send(()).await.unwrap();
            });
        }
        for _ in 0..200 {
            end.recv().await.unwrap();
        }
        assert_eq!(joined.asked.load(Ordering::Relaxed), 200);
        joined.close().await;
    }
    services.close(Duration::ZERO).await;
}

#[tokio::test]
async fn the_end_of_either_side_ends_the_other() {
    let joined = Joined::new(None, LayerFlags::default());
    let (_opened, addr) = open(&kind(), &joined).await;

    let mut user = TcpStream::connect(addr).await.unwrap();
    joined.ask.notified().await;
    let mut work = joined.ends.lock().pop().unwrap();
    user.write_all(b"bye").await.unwrap();
    drop(user);
    let mut got = Vec::new();
    work.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, b"bye");

    let mut user = TcpStream::connect(addr).await.unwrap();
    joined.ask.notified().await;
    let mut work = joined.ends.lock().pop().unwrap();
    work.write_all(b"bye").await.unwrap();
    drop(work);
    let mut got = Vec::new();
    user.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, b"bye");
    joined.close().await;
}

#[tokio::test]
async fn the_client_learns_both_addresses() {
    let joined = Joined::new(None, LayerFlags::default());
    let (_opened, addr) = open(&kind(), &joined).await;
    let user = TcpStream::connect(addr).await.unwrap();
    joined.ask.notified().await;
    let served = joined.served.lock()[0];
    assert_eq!(served.src, Some(user.local_addr().unwrap()));
    assert_eq!(served.dst, Some(addr));
    joined.close().await;
}

#[tokio::test]
async fn without_a_work_connection_the_user_is_closed() {
    let joined = Joined::new(None, LayerFlags::default());
    joined.refuse.store(true, Ordering::Relaxed);
    let (_opened, addr) = open(&kind(), &joined).await;
    for _ in 0..3 {
        let mut user = TcpStream::connect(addr).await.unwrap();
        assert_eq!(user.read(&mut [0; 1]).await.unwrap(), 0);
    }
    joined.close().await;
}

#[tokio::test]
async fn the_end_of_the_proxy_frees_the_port_and_the_seat_but_keeps_users() {
    let kind = kind();
    let joined = Joined::new(None, LayerFlags::default());
    let (opened, addr) = open(&kind, &joined).await;
    let mut user = TcpStream::connect(addr).await.unwrap();
    joined.ask.notified().await;
    let mut work = joined.ends.lock().pop().unwrap();

    let ask = NewProxy {
        remote_port: i64::from(addr.port()),
        ..NewProxy::default()
    };
    let again = kind
        .open(&ask, Arc::clone(&joined) as _, &joined.scope)
        .await;
    assert_eq!(again.unwrap_err().to_string(), "port already used");

    joined.scope.close(Duration::ZERO).await;
    drop(opened);
    assert_eq!(joined.seats.load(Ordering::Relaxed), 0);
    TcpStream::connect(addr).await.unwrap_err();
    work.write_all(b"still here").await.unwrap();
    let mut got = [0; 10];
    user.read_exact(&mut got).await.unwrap();

    let next = Joined::new(None, LayerFlags::default());
    let opened = kind
        .open(&ask, Arc::clone(&next) as _, &next.scope)
        .await
        .unwrap();
    assert_eq!(opened.remote_addr, format!(":{}", addr.port()));
    joined.close().await;
    next.close().await;
}

#[tokio::test]
async fn refusals_come_before_anything_is_taken() {
    let joined = Joined::new(None, LayerFlags::default());
    let kind = kind();
    let wrong = NewProxy {
        remote_port: 70_000,
        ..NewProxy::default()
    };
    let refused = kind
        .open(&wrong, Arc::clone(&joined) as _, &joined.scope)
        .await
        .unwrap_err();
    assert!(matches!(refused, ProxyError::Refused(_)));
    assert_eq!(joined.seats.load(Ordering::Relaxed), 0);
    let (_one, _two) = (open(&kind, &joined).await, open(&kind, &joined).await);
    let more = kind
        .open(
            &NewProxy::default(),
            Arc::clone(&joined) as _,
            &joined.scope,
        )
        .await;
    assert_eq!(
        more.unwrap_err().to_string(),
        "exceed the max_ports_per_client"
    );
    joined.close().await;
}

#[tokio::test]
async fn a_service_that_is_not_there_ends_the_work_connection() {
    let scope = Scope::root(tokio::runtime::Handle::current());
    let gone = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        listener.local_addr().unwrap()
    };
    let joined = Joined::new(Some(Arc::new(local(gone, None))), LayerFlags::default());
    let (_opened, addr) = open(&kind(), &joined).await;
    let mut user = TcpStream::connect(addr).await.unwrap();
    assert_eq!(user.read(&mut [0; 1]).await.unwrap(), 0);
    joined.close().await;

    use culvert_proxy::{ClientProxy, ServerCx};
    let joined = Joined::new(None, LayerFlags::default());
    let stream = joined
        .work_conn(culvert_proxy::UserAddrs::default())
        .await
        .unwrap();
    let work = Work {
        stream,
        start: Default::default(),
        codec: culvert_wire::Codec::V1,
    };
    let error = local(gone, None).serve(work, &scope).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("connect to local service [{gone}] error: ")),
        "{text}"
    );
}

#[tokio::test]
async fn the_service_is_told_its_user() {
    for (version, expected) in [
        (ProxyProtocol::V1, "PROXY TCP4 127.0.0.1 127.0.0.1 "),
        (ProxyProtocol::V2, "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"),
    ] {
        let service = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let client = local(service.local_addr().unwrap(), Some(version));
        let joined = Joined::new(Some(Arc::new(client)), LayerFlags::default());
        let (_opened, addr) = open(&kind(), &joined).await;
        let mut user = TcpStream::connect(addr).await.unwrap();
        user.write_all(b"payload").await.unwrap();
        let (mut served, _) = service.accept().await.unwrap();
        drop(user);
        let mut got = Vec::new();
        served.read_to_end(&mut got).await.unwrap();
        assert!(got.starts_with(expected.as_bytes()), "{got:?}");
        assert!(got.ends_with(b"payload"));
        joined.close().await;
    }
}
