use std::{net::SocketAddr, sync::Arc};

use culvert_io::{Peer, Scope, Stream};
use culvert_proxy::{BoxFuture, Lease, Members, ProxyError, ServerCx, UserAddrs};
use culvert_wire::{Codec, ProxyName};
use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    runtime::Handle,
};

use super::{ConnectVhost, OK, UNAUTHORIZED, UNAVAILABLE};
use crate::{Credentials, Route, Tunnels};

/// A session whose work connections end in the test.
#[derive(Debug)]
struct Session {
    name: ProxyName,
    users: Scope,
    ends: Mutex<Vec<(DuplexStream, UserAddrs)>>,
    refuse: bool,
}

impl ServerCx for Session {
    fn name(&self) -> &ProxyName {
        &self.name
    }

    fn work_conn(&self, user: UserAddrs) -> BoxFuture<'_, Result<Stream, ProxyError>> {
        Box::pin(async move {
            if self.refuse {
                return Err(ProxyError::NoWorkConn("none"));
            }
            let (near, far) = duplex(64 * 1024);
            self.ends.lock().push((far, user));
            Ok(Stream::new(near, peer()))
        })
    }

    fn codec(&self) -> Codec {
        Codec::V1
    }

    fn users(&self) -> &Scope {
        &self.users
    }

    fn count_port(&self) -> Result<Lease, ProxyError> {
        Ok(Lease::new(|| {}))
    }
}

fn peer() -> Peer {
    let addr = |text: &str| text.parse::<SocketAddr>().unwrap();
    Peer::new(addr("192.0.2.7:40000"), addr("192.0.2.1:1337"), "memory")
}

struct World {
    vhost: Arc<ConnectVhost>,
    scope: Scope,
    session: Arc<Session>,
}

impl World {
    fn new(passthrough: bool, refuse: bool) -> Self {
        let scope = Scope::root(Handle::current());
        Self {
            vhost: Arc::new(ConnectVhost::new(passthrough, None)),
            session: Arc::new(Session {
                name: ProxyName::from("mux"),
                users: scope.clone(),
                ends: Mutex::default(),
                refuse,
            }),
            scope,
        }
    }

    fn register(&self, domain: &str, user: &str, login: Option<Credentials>) -> Lease {
        let route = Route {
            domain: domain.to_owned(),
            user: user.to_owned(),
            ..Route::default()
        };
        let tunnels = Tunnels::new(Members::one(Arc::clone(&self.session) as _));
        self.vhost.register(&route, login, tunnels).unwrap()
    }

    async fn user(&self, bytes: &[u8]) -> DuplexStream {
        let (mut near, far) = duplex(64 * 1024);
        let vhost = Arc::clone(&self.vhost);
        self.scope
            .spawn(async move { vhost.serve(Stream::new(far, peer())).await });
        near.write_all(bytes).await.unwrap();
        near
    }

    /// What a user gets who sends `bytes` and waits.
    async fn answer(&self, bytes: &[u8]) -> Vec<u8> {
        let mut seen = Vec::new();
        let mut user = self.user(bytes).await;
        user.read_to_end(&mut seen).await.unwrap();
        seen
    }

    async fn service(&self) -> DuplexStream {
        loop {
            let end = self.session.ends.lock().pop();
            if let Some((end, addrs)) = end {
                assert_eq!(addrs.src, Some(peer().addr));
                assert_eq!(addrs.dst, Some(peer().local));
                return end;
            }
            tokio::task::yield_now().await;
        }
    }
}

async fn exactly(from: &mut DuplexStream, len: usize) -> Vec<u8> {
    let mut seen = vec![0; len];
    from.read_exact(&mut seen).await.unwrap();
    seen
}

#[tokio::test]
async fn what_follows_the_head_is_kept() {
    let world = World::new(false, false);
    let _lease = world.register("a.test", "", None);
    let bytes = b"CONNECT A.test:22 HTTP/1.1\r\nHost: a.test:22\r\n\r\nSSH-2.0-early\r\n";
    let mut user = world.user(bytes).await;
    let mut service = world.service().await;
    assert_eq!(exactly(&mut service, 15).await, b"SSH-2.0-early\r\n");
    service.write_all(b"SSH-2.0-server\r\n").await.unwrap();
    let wanted = [OK, b"SSH-2.0-server\r\n"].concat();
    assert_eq!(exactly(&mut user, wanted.len()).await, wanted);
    user.write_all(b"more").await.unwrap();
    assert_eq!(exactly(&mut service, 4).await, b"more");
}

#[tokio::test]
async fn passed_through_the_service_answers_itself() {
    let world = World::new(true, false);
    let _lease = world.register("a.test", "", None);
    let bytes = b"CONNECT a.test:22 HTTP/1.1\r\nX: y\r\n\r\nearly";
    let mut user = world.user(bytes).await;
    let mut service = world.service().await;
    assert_eq!(exactly(&mut service, bytes.len()).await, bytes);
    service
        .write_all(b"HTTP/1.1 200 Mine\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(exactly(&mut user, 21).await, b"HTTP/1.1 200 Mine\r\n\r\n");
}

#[tokio::test]
async fn only_who_knows_the_login_comes_through() {
    let world = World::new(false, false);
    let _lease = world.register("a.test", "", Credentials::new("alice", "secret"));
    for given in ["", "Proxy-Authorization: Basic YWxpY2U6d3Jvbmc=\r\n"] {
        let head = format!("CONNECT a.test:22 HTTP/1.1\r\n{given}\r\n");
        assert_eq!(world.answer(head.as_bytes()).await, UNAUTHORIZED);
    }
    assert!(world.session.ends.lock().is_empty());
    let right =
        b"CONNECT a.test:22 HTTP/1.1\r\nProxy-Authorization: Basic YWxpY2U6c2VjcmV0\r\n\r\n";
    let mut user = world.user(right).await;
    assert_eq!(exactly(&mut user, OK.len()).await, OK);
}

#[tokio::test]
async fn users_have_their_own_routes() {
    let world = World::new(false, false);
    let _lease = world.register("*.a.test", "alice", None);
    let alice = b"CONNECT x.a.test:22 HTTP/1.1\r\nProxy-Authorization: Basic YWxpY2U6\r\n\r\n";
    let mut user = world.user(alice).await;
    assert_eq!(exactly(&mut user, OK.len()).await, OK);
    let seen = world.answer(b"CONNECT x.a.test:22 HTTP/1.1\r\n\r\n").await;
    let text = String::from_utf8(seen).unwrap();
    let (head, page) = text.split_once("\r\n\r\n").unwrap();
    let wanted = format!(
        "HTTP/1.1 404 Not Found\r\nContent-Length: {}\r\nContent-Type: text/html\r\n\
         Server: frp/0.70.1",
        page.len()
    );
    assert_eq!(head, wanted);
    assert!(page.contains("The page you requested was not found."));
}

#[tokio::test]
async fn without_a_work_connection_the_user_is_told() {
    let world = World::new(false, true);
    let _lease = world.register("*", "", None);
    let seen = world.answer(b"CONNECT a.test:22 HTTP/1.1\r\n\r\n").await;
    assert_eq!(seen, UNAVAILABLE);
}

#[tokio::test]
async fn what_is_no_connect_is_closed_without_a_word() {
    let world = World::new(false, false);
    let _lease = world.register("*", "", None);
    for bytes in [
        &b"GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n"[..],
        b"CONNECT a.test:22 HTTP/1.1\r\nX: a\r\n b\r\n\r\n",
        b"\x16\x03\x01",
    ] {
        assert_eq!(world.answer(bytes).await, b"");
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_closed_after_half_a_minute() {
    let world = World::new(false, false);
    for begin in [&b""[..], b"CONNECT a.test:22 HTTP/1.1\r\n"] {
        let start = tokio::time::Instant::now();
        assert_eq!(world.answer(begin).await, b"");
        assert_eq!(start.elapsed().as_secs(), 30);
    }
    assert_eq!(world.scope.tasks(), 0);
}
