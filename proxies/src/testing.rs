//! Both ends of a kind joined in memory: a server context whose work connections end in a client
//! proxy, without a session or a network between the two.

pub(crate) mod datagrams;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use culvert_io::{Peer, Scope, Stream};
use culvert_proxy::{
    BoxClientProxy, BoxFuture, LayerFlags, Lease, ProxyError, ServerCx, UserAddrs, Work, layers,
};
use culvert_wire::{Codec, Key, ProxyName, msg::StartWorkConn};
use parking_lot::Mutex;
use tokio::{io::duplex, runtime::Handle, sync::Notify};
use tracing::Span;

/// Bytes that one direction of a work connection holds.
const PIPE: usize = 64 * 1024;

/// The user that the proxies belong to.
pub(crate) const OWNER: &str = "owner";

/// A session that is not there.
#[derive(Debug)]
pub(crate) struct Joined {
    name: ProxyName,
    client: Option<BoxClientProxy>,
    flags: LayerFlags,
    root: Scope,
    /// What the proxy's tasks live in.
    pub(crate) scope: Scope,
    /// What users live in.
    users: Scope,
    /// Whether work connections are refused.
    pub(crate) refuse: AtomicBool,
    /// The version that the session speaks.
    pub(crate) codec: Mutex<Codec>,
    /// Work connections asked for.
    pub(crate) asked: AtomicUsize,
    /// Told at every ask.
    pub(crate) ask: Notify,
    /// Ports in use, as `maxPortsPerClient` counts them.
    pub(crate) seats: Arc<AtomicUsize>,
    /// The users that the last work connections were for.
    pub(crate) served: Mutex<Vec<UserAddrs>>,
    /// Client's ends of work connections, when no client proxy serves them.
    pub(crate) ends: Mutex<Vec<Stream>>,
    /// Work connections have datagrams beside them that take this path.
    pub(crate) path: Mutex<Option<Arc<datagrams::Path>>>,
    /// The client's work on the newest work connection.
    pub(crate) newest: Mutex<Option<Scope>>,
}

impl Joined {
    /// Joined with `client`, or with the test itself when there is none.
    pub(crate) fn new(client: Option<BoxClientProxy>, flags: LayerFlags) -> Arc<Self> {
        Self::named("owner.proxy", client, flags)
    }

    /// The same for a proxy of this name.
    pub(crate) fn named(
        name: &str,
        client: Option<BoxClientProxy>,
        flags: LayerFlags,
    ) -> Arc<Self> {
        let root = Scope::root(Handle::current());
        let child = || root.child(Span::none());
        let (scope, users) = (child(), child());
        Arc::new(Self {
            name: name.into(),
            client,
            flags,
            scope,
            users,
            root,
            refuse: AtomicBool::new(false),
            codec: Mutex::new(Codec::V1),
            asked: AtomicUsize::new(0),
            ask: Notify::new(),
            seats: Arc::new(AtomicUsize::new(0)),
            served: Mutex::new(Vec::new()),
            ends: Mutex::new(Vec::new()),
            path: Mutex::new(None),
            newest: Mutex::new(None),
        })
    }

    /// Ends everything and waits for it.
    pub(crate) async fn close(&self) {
        self.root.close(Duration::ZERO).await;
    }

    fn connect(&self, user: UserAddrs) -> Result<Stream, ProxyError> {
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 7000));
        let peer = Peer::new(addr, addr, "memory");
        let (near, far) = match &*self.path.lock() {
            Some(path) => path.beside(duplex(PIPE), peer),
            None => {
                let (near, far) = duplex(PIPE);
                (Stream::new(near, peer), Stream::new(far, peer))
            }
        };
        let far = layers::client(far, &self.flags)?;
        let Some(client) = self.client.clone() else {
            self.ends.lock().push(far);
            return layers::server(near, &self.flags);
        };
        let start = StartWorkConn {
            proxy_name: String::from(&self.name),
            src_addr: user
                .src
                .map(|addr| addr.ip().to_string())
                .unwrap_or_default(),
            dst_addr: user
                .dst
                .map(|addr| addr.ip().to_string())
                .unwrap_or_default(),
            src_port: user.src.map(|addr| addr.port()).unwrap_or_default(),
            dst_port: user.dst.map(|addr| addr.port()).unwrap_or_default(),
            ..StartWorkConn::default()
        };
        let scope = self.root.child(Span::none());
        *self.newest.lock() = Some(scope.clone());
        let inner = scope.clone();
        let codec = self.codec();
        scope.spawn(async move {
            let work = Work {
                stream: far,
                start,
                codec,
            };
            if let Err(error) = client.serve(work, &inner).await {
                tracing::debug!("client: {error}");
            }
        });
        layers::server(near, &self.flags)
    }
}

impl ServerCx for Joined {
    fn name(&self) -> &ProxyName {
        &self.name
    }

    fn user(&self) -> &str {
        OWNER
    }

    fn work_conn(&self, user: UserAddrs) -> BoxFuture<'_, Result<Stream, ProxyError>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::Relaxed);
            self.ask.notify_one();
            if self.refuse.load(Ordering::Relaxed) {
                return Err(ProxyError::NoWorkConn(
                    "timeout trying to get work connection",
                ));
            }
            self.served.lock().push(user);
            self.connect(user)
        })
    }

    fn bare_work_conn(&self) -> BoxFuture<'_, Result<Stream, ProxyError>> {
        self.work_conn(UserAddrs::default())
    }

    fn codec(&self) -> Codec {
        *self.codec.lock()
    }

    fn users(&self) -> &Scope {
        &self.users
    }

    fn count_port(&self) -> Result<Lease, ProxyError> {
        if self.seats.load(Ordering::Relaxed) >= 2 {
            return Err(ProxyError::refused("exceed the max_ports_per_client"));
        }
        self.seats.fetch_add(1, Ordering::Relaxed);
        let seats = Arc::clone(&self.seats);
        Ok(Lease::new(move || {
            seats.fetch_sub(1, Ordering::Relaxed);
        }))
    }
}

/// All four settings of encryption and compression.
pub(crate) fn all_flags() -> [LayerFlags; 4] {
    let key = || Some(Key::derive("token"));
    [(None, false), (key(), false), (None, true), (key(), true)].map(|(encryption, compression)| {
        LayerFlags {
            encryption,
            compression,
            limit: None,
        }
    })
}

/// Numbers that look random and are the same at every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len)
            .map(|_| u8::try_from(self.roll(256)).unwrap())
            .collect()
    }
}
