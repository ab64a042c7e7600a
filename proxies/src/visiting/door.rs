//! A server's door and a visitor's session in memory: what a visitor opens comes to the table of
//! secret services, as frps brings it there.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use culvert_conf::{Port, Secret, VisitorConfig, VisitorKind};
use culvert_io::{Peer, Scope, Stream};
use culvert_proxy::{BoxFuture, ProxyError, Visitor, VisitorCx, VisitorStream};
use culvert_transport::Framed;
use culvert_wire::{Codec, Message, msg::NewVisitorConnResp};
use parking_lot::Mutex;
use tokio::{io::duplex, runtime::Handle, sync::Notify};
use tracing::Span;

use super::Visitors;

/// Where the visitor's connection comes from, as the server sees it.
pub(crate) const FROM: ([u8; 4], u16) = ([192, 0, 2, 1], 4000);

#[derive(Debug)]
pub(crate) struct Door {
    visitors: Visitors,
    user: &'static str,
    root: Scope,
    /// What the visitor lives in.
    pub(crate) scope: Scope,
    users: Scope,
    /// The version of the visitor's session.
    pub(crate) codec: Mutex<Codec>,
    /// Whether there is a session.
    pub(crate) online: AtomicBool,
    /// Whether the test itself is the server.
    pub(crate) by_hand: AtomicBool,
    /// The server's ends, if it is.
    pub(crate) ends: Mutex<Vec<Framed>>,
    /// Streams asked for.
    pub(crate) asked: AtomicUsize,
    /// Told at every ask.
    pub(crate) ask: Notify,
    /// Users for other visitors.
    pub(crate) handed_over: Mutex<Vec<(String, Stream)>>,
}

impl Door {
    /// The door to `visitors`, for a client of `user`.
    pub(crate) fn new(visitors: &Visitors, user: &'static str) -> Arc<Self> {
        let root = Scope::root(Handle::current());
        Arc::new(Self {
            visitors: visitors.clone(),
            user,
            scope: root.child(Span::none()),
            users: root.child(Span::none()),
            root,
            codec: Mutex::new(Codec::V1),
            online: AtomicBool::new(true),
            by_hand: AtomicBool::new(false),
            ends: Mutex::new(Vec::new()),
            asked: AtomicUsize::new(0),
            ask: Notify::new(),
            handed_over: Mutex::default(),
        })
    }

    /// Lets `visitor` take users.
    pub(crate) fn run(self: &Arc<Self>, visitor: impl Visitor) {
        let (cx, scope) = (Arc::clone(self), self.scope.clone());
        self.scope
            .spawn(async move { visitor.run(cx, &scope).await });
    }

    /// Ends everything and waits for it.
    pub(crate) async fn close(&self) {
        self.root.close(Duration::ZERO).await;
    }
}

/// Lets in whoever comes on `stream`, as frps does.
pub(crate) async fn greet(visitors: &Visitors, user: &str, stream: Stream) {
    let mut framed = Framed::accepted(stream).await.unwrap().unwrap();
    let Some(Message::NewVisitorConn(ask)) = framed.next().await.unwrap() else {
        panic!("not a visitor");
    };
    let visit = visitors.admit(&ask, user);
    let error = visit.as_ref().err().map(ToString::to_string);
    let answer = NewVisitorConnResp {
        proxy_name: ask.proxy_name,
        error: error.unwrap_or_default(),
        datagrams: 0,
    };
    framed.send(&answer.into()).await.unwrap();
    if let Ok(visit) = visit {
        let codec = framed.codec();
        visit.start(framed.into_stream(), codec);
    }
}

/// The two ends of a visitor's connection.
pub(crate) fn wire() -> (Stream, Stream) {
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 7000));
    let peer = Peer::new(FROM.into(), here, "memory");
    let (near, far) = duplex(64 * 1024);
    (Stream::new(near, peer), Stream::new(far, peer))
}

impl VisitorCx for Door {
    fn open(&self) -> BoxFuture<'_, Result<VisitorStream, ProxyError>> {
        Box::pin(async {
            self.asked.fetch_add(1, Ordering::Relaxed);
            if !self.online.load(Ordering::Relaxed) {
                self.ask.notify_one();
                return Err(ProxyError::NoWorkConn("not logged in"));
            }
            let (near, far) = wire();
            let codec = *self.codec.lock();
            if self.by_hand.load(Ordering::Relaxed) {
                self.ends.lock().push(Framed::new(far, codec));
            } else {
                let (visitors, user) = (self.visitors.clone(), self.user);
                self.root
                    .spawn(async move { greet(&visitors, user, far).await });
            }
            self.ask.notify_one();
            Ok(VisitorStream {
                stream: near,
                run_id: "id".to_owned(),
                codec,
            })
        })
    }

    fn hand_over(&self, visitor: &str, user: Stream) -> Result<(), ProxyError> {
        self.handed_over.lock().push((visitor.to_owned(), user));
        self.ask.notify_one();
        Ok(())
    }

    fn user(&self) -> &str {
        self.user
    }

    fn users(&self) -> &Scope {
        &self.users
    }
}

/// A visitor of the service "proxy" that listens on `port`.
pub(crate) fn config(kind: VisitorKind, port: u16) -> VisitorConfig {
    VisitorConfig {
        name: "visitor".to_owned(),
        use_encryption: false,
        use_compression: false,
        secret_key: Secret::new("sk"),
        server_user: crate::testing::OWNER.to_owned(),
        server_name: "proxy".to_owned(),
        bind_addr: Ipv4Addr::LOCALHOST.to_string(),
        bind_port: Port::new(port),
        plugin: None,
        kind,
    }
}

/// A port below those that the system gives to others, and free at the moment.
pub(crate) fn free_port() -> u16 {
    loop {
        let mut random = [0; 2];
        getrandom::fill(&mut random).unwrap();
        let port = 20_000 + u16::from_le_bytes(random) % 12_000;
        let at = (Ipv4Addr::LOCALHOST, port);
        if std::net::TcpListener::bind(at).is_ok() && std::net::UdpSocket::bind(at).is_ok() {
            return port;
        }
    }
}

/// Bytes in hex, as captures have them.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.chars().map(|c| c.to_digit(16).unwrap()).collect();
    let byte = |pair: &[u32]| u8::try_from(pair[0] << 4 | pair[1]).unwrap();
    digits.chunks(2).map(byte).collect()
}
