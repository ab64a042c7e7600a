use std::{net::SocketAddr, sync::Arc};

use culvert_io::{Peer, Scope, Stream};
use culvert_proxy::{BoxFuture, Lease, Members, ProxyError, ServerCx, UserAddrs};
use culvert_wire::ProxyName;
use parking_lot::Mutex;
use rustls::{
    ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig, ServerConnection,
};
use rustls_pki_types::PrivateKeyDer;
use std::io::{Read, Write};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    runtime::Handle,
};

use super::{HttpsVhost, Tunnels, UNRECOGNIZED_NAME};

/// A session whose work connections end in the test.
#[derive(Debug)]
struct Session {
    name: ProxyName,
    users: Scope,
    ends: Mutex<Vec<(DuplexStream, UserAddrs)>>,
    refuse: bool,
}

impl Session {
    fn new(scope: &Scope, refuse: bool) -> Arc<Self> {
        let name = ProxyName::from("web");
        Arc::new(Self {
            name,
            users: scope.clone(),
            ends: Mutex::default(),
            refuse,
        })
    }
}

impl ServerCx for Session {
    fn name(&self) -> &ProxyName {
        &self.name
    }

    fn work_conn(&self, user: UserAddrs) -> BoxFuture<'_, Result<Stream, ProxyError>> {
        Box::pin(async move {
            if self.refuse {
                return Err(ProxyError::NoWorkConn(
                    "timeout trying to get work connection",
                ));
            }
            let (near, far) = duplex(64 * 1024);
            self.ends.lock().push((far, user));
            Ok(Stream::new(near, peer()))
        })
    }

    fn codec(&self) -> culvert_wire::Codec {
        culvert_wire::Codec::V1
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
    Peer::new(addr("192.0.2.7:40000"), addr("192.0.2.1:443"), "memory")
}

/// One end of a TLS connection in memory.
struct Tls {
    conn: Connection,
    io: DuplexStream,
    /// How many bytes go out in one write.
    piece: usize,
}

impl Tls {
    async fn flush(&mut self) {
        let mut out = Vec::new();
        while self.conn.wants_write() {
            self.conn.write_tls(&mut out).unwrap();
        }
        for piece in out.chunks(self.piece) {
            self.io.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
    }

    async fn fill(&mut self) {
        let mut seen = vec![0; 4096];
        let n = self.io.read(&mut seen).await.unwrap();
        assert!(n > 0, "the stream ended");
        let mut rest = &seen[..n];
        while !rest.is_empty() {
            self.conn.read_tls(&mut rest).unwrap();
            self.conn.process_new_packets().unwrap();
        }
    }

    async fn handshake(&mut self) {
        while self.conn.is_handshaking() {
            self.flush().await;
            if self.conn.is_handshaking() {
                self.fill().await;
            }
        }
        self.flush().await;
    }

    async fn send(&mut self, text: &str) {
        self.conn.writer().write_all(text.as_bytes()).unwrap();
        self.flush().await;
    }

    async fn exactly(&mut self, len: usize) -> String {
        let mut seen = vec![0; len];
        loop {
            match self.conn.reader().read_exact(&mut seen) {
                Ok(()) => return String::from_utf8(seen).unwrap(),
                Err(_) => self.fill().await,
            }
        }
    }
}

/// The two TLS configurations, for a service called `name`.
fn pair(name: &str) -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let cert = made.cert.der().clone();
    let mut roots = RootCertStore::empty();
    roots.add(cert.clone()).unwrap();
    let server = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert], key);
    let client = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (Arc::new(server.unwrap()), Arc::new(client))
}

struct World {
    vhost: Arc<HttpsVhost>,
    scope: Scope,
}

impl World {
    fn new() -> Self {
        Self {
            vhost: Arc::default(),
            scope: Scope::root(Handle::current()),
        }
    }

    fn user(&self) -> DuplexStream {
        let (near, far) = duplex(64 * 1024);
        let vhost = Arc::clone(&self.vhost);
        self.scope
            .spawn(async move { vhost.serve(Stream::new(far, peer())).await });
        near
    }
}

async fn through(piece: usize) {
    let world = World::new();
    let session = Session::new(&world.scope, false);
    let _lease = world
        .vhost
        .register(
            "A.web.test",
            Tunnels::new(Members::one(session.clone() as _)),
        )
        .unwrap();
    let (server, client) = pair("a.web.test");
    let name = "a.web.test".try_into().unwrap();
    let conn = ClientConnection::new(client, name).unwrap().into();
    let mut user = Tls {
        conn,
        io: world.user(),
        piece,
    };
    user.flush().await;
    let (io, addrs) = loop {
        if let Some(end) = session.ends.lock().pop() {
            break end;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(
        (addrs.src, addrs.dst),
        (Some(peer().addr), Some(peer().local))
    );
    let conn = ServerConnection::new(server).unwrap().into();
    let mut service = Tls {
        conn,
        io,
        piece: 64 * 1024,
    };
    tokio::join!(user.handshake(), service.handshake());
    user.send("hello").await;
    assert_eq!(service.exactly(5).await, "hello");
    service.send("and back").await;
    assert_eq!(user.exactly(8).await, "and back");
    // When the service hangs up, so does the user's end.
    drop(service);
    let mut rest = Vec::new();
    user.io.read_to_end(&mut rest).await.unwrap();
}

#[tokio::test]
async fn a_real_client_reaches_a_real_service() {
    through(64 * 1024).await;
}

#[tokio::test]
async fn a_hello_in_pieces_is_put_together() {
    through(1).await;
    through(100).await;
}

/// What a user gets who sends `bytes` and waits.
async fn answer(world: &World, bytes: &[u8]) -> Vec<u8> {
    let mut user = world.user();
    user.write_all(bytes).await.unwrap();
    let mut seen = Vec::new();
    user.read_to_end(&mut seen).await.unwrap();
    seen
}

fn hello(name: &'static str) -> Vec<u8> {
    let roots = RootCertStore::empty();
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut conn = ClientConnection::new(Arc::new(config), name.try_into().unwrap()).unwrap();
    let mut bytes = Vec::new();
    conn.write_tls(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn an_unknown_name_gets_an_alert() {
    let world = World::new();
    let session = Session::new(&world.scope, false);
    let _lease = world
        .vhost
        .register("a.test", Tunnels::new(Members::one(session.clone() as _)))
        .unwrap();
    for name in ["b.test", "127.0.0.1"] {
        assert_eq!(answer(&world, &hello(name)).await, UNRECOGNIZED_NAME);
    }
    assert!(session.ends.lock().is_empty());
}

#[tokio::test]
async fn no_name_goes_to_the_star() {
    let world = World::new();
    let session = Session::new(&world.scope, false);
    let _lease = world
        .vhost
        .register("*", Tunnels::new(Members::one(session.clone() as _)))
        .unwrap();
    let hello = hello("127.0.0.1");
    let mut user = world.user();
    user.write_all(&hello).await.unwrap();
    user.write_all(b"more").await.unwrap();
    let (mut service, _) = loop {
        if let Some(end) = session.ends.lock().pop() {
            break end;
        }
        tokio::task::yield_now().await;
    };
    let mut seen = vec![0; hello.len() + 4];
    service.read_exact(&mut seen).await.unwrap();
    assert_eq!(seen, [&hello[..], b"more"].concat());
}

#[tokio::test]
async fn garbage_is_closed_without_a_word() {
    let world = World::new();
    let session = Session::new(&world.scope, false);
    let _lease = world
        .vhost
        .register("*", Tunnels::new(Members::one(session as _)))
        .unwrap();
    for bytes in [
        &b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"[..],
        b"\x16\x03\x01\xff\xff",
        b"\0",
    ] {
        assert_eq!(answer(&world, bytes).await, b"");
    }
}

#[tokio::test]
async fn a_silent_peer_is_closed_after_half_a_minute() {
    tokio::time::pause();
    let world = World::new();
    let hello = hello("a.test");
    for begin in [&b""[..], &hello[..50]] {
        let start = tokio::time::Instant::now();
        assert_eq!(answer(&world, begin).await, b"");
        assert_eq!(start.elapsed().as_secs(), 30);
    }
    assert_eq!(world.scope.tasks(), 0);
}

#[tokio::test]
async fn without_a_work_connection_the_user_is_closed() {
    let world = World::new();
    let session = Session::new(&world.scope, true);
    let _lease = world
        .vhost
        .register("a.test", Tunnels::new(Members::one(session as _)))
        .unwrap();
    assert_eq!(answer(&world, &hello("a.test")).await, b"");
}
