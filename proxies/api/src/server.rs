//! The server's half of a proxy kind.

use std::{collections::BTreeMap, fmt, future::Future, net::SocketAddr, pin::Pin, sync::Arc};

use culvert_io::{Meter, Peer, Relayed, Relaying, Scope, Stream, relay};
use culvert_wire::{Codec, ProxyName, msg::NewProxy};

use crate::{Lease, ProxyError};

/// A boxed future, for the one call per connection that crosses a seam.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The addresses told to the client in `StartWorkConn` (protocol 3.4): both for stream users,
/// only the source for http, none for udp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserAddrs {
    /// The user's address.
    pub src: Option<SocketAddr>,
    /// Our own address that the user connected to.
    pub dst: Option<SocketAddr>,
}

impl UserAddrs {
    /// Both ends of a user's own connection.
    #[must_use]
    pub const fn of(user: &Peer) -> Self {
        Self {
            src: Some(user.addr),
            dst: Some(user.local),
        }
    }
}

/// What the client's session lends to one of its proxies.
pub trait ServerCx: fmt::Debug + Send + Sync + 'static {
    /// The proxy's name on the wire.
    fn name(&self) -> &ProxyName;

    /// The user that the proxy belongs to; empty for a client without one.
    fn user(&self) -> &str {
        ""
    }

    /// A work connection for one user: taken from the pool or asked for, `StartWorkConn` sent,
    /// encryption and compression put on as the proxy asked.
    ///
    /// *Cancel safety*: a work connection in hand is closed.
    fn work_conn(&self, user: UserAddrs) -> BoxFuture<'_, Result<Stream, ProxyError>>;

    /// A work connection for messages to the client: as [`work_conn`](Self::work_conn), without a
    /// user and with no layers but the transport's.
    ///
    /// *Cancel safety*: a work connection in hand is closed.
    fn bare_work_conn(&self) -> BoxFuture<'_, Result<Stream, ProxyError>> {
        Box::pin(async { Err(ProxyError::NoWorkConn("there are none for messages")) })
    }

    /// How messages inside the payload of its work connections are written: in the version of the
    /// session (protocol 3.7).
    fn codec(&self) -> Codec;

    /// Where the tasks of user connections belong (`spawn_graceful`): they outlive the proxy and
    /// the session, as upstream's do, and are given time to end when the program stops.
    fn users(&self) -> &Scope;

    /// Where the proxy's bytes and user connections are counted, if anybody looks.
    fn meter(&self) -> Option<&Arc<Meter>> {
        None
    }

    /// Takes a seat of `maxPortsPerClient`.
    ///
    /// # Errors
    /// Refused with `exceed the max_ports_per_client` when there is none left.
    fn count_port(&self) -> Result<Lease, ProxyError>;
}

/// Joins `user` to `work`, the connection that `proxy` gave for them, until one of them ends. The
/// proxy counts it, and is not held meanwhile.
///
/// *Cancel safety*: both are closed.
pub async fn join(user: Stream, work: Stream, proxy: Arc<dyn ServerCx>) -> Relayed {
    let meter = proxy.meter().cloned();
    drop(proxy);
    let _open = meter.as_ref().map(Meter::connected);
    let how = Relaying {
        meter,
        ..Relaying::default()
    };
    relay(user, work, &how).await
}

/// An open proxy, as long as it is held.
#[derive(Debug)]
pub struct Opened {
    /// What `NewProxyResp.remote_addr` says, for example `:6000` or `web.test:8080`.
    pub remote_addr: String,
    /// Everything taken; the proxy's tasks live in its scope.
    pub leases: Vec<Lease>,
}

/// A proxy kind at the server. The kind holds the shared resources it hands out (ports, routes).
pub trait ServerKind: fmt::Debug + Send + Sync + 'static {
    /// `proxy_type` on the wire.
    const NAME: &'static str;

    /// Opens a proxy: checks the ask, takes leases, and spawns what serves users into `scope`,
    /// which the session closes when the proxy ends.
    fn open<'a>(
        &'a self,
        ask: &'a NewProxy,
        cx: Arc<dyn ServerCx>,
        scope: &'a Scope,
    ) -> impl Future<Output = Result<Opened, ProxyError>> + Send + 'a;
}

/// [`ServerKind`] as an object; every kind has it.
pub trait DynServerKind: fmt::Debug + Send + Sync + 'static {
    /// See [`ServerKind::open`].
    fn open<'a>(
        &'a self,
        ask: &'a NewProxy,
        cx: Arc<dyn ServerCx>,
        scope: &'a Scope,
    ) -> BoxFuture<'a, Result<Opened, ProxyError>>;
}

impl<K: ServerKind> DynServerKind for K {
    fn open<'a>(
        &'a self,
        ask: &'a NewProxy,
        cx: Arc<dyn ServerCx>,
        scope: &'a Scope,
    ) -> BoxFuture<'a, Result<Opened, ProxyError>> {
        Box::pin(ServerKind::open(self, ask, cx, scope))
    }
}

/// The kinds a server offers, by `proxy_type`.
#[derive(Clone, Debug, Default)]
pub struct ServerKinds(BTreeMap<&'static str, Arc<dyn DynServerKind>>);

impl ServerKinds {
    /// These kinds and one more; a kind of the same name is replaced.
    #[must_use]
    pub fn with<K: ServerKind>(mut self, kind: K) -> Self {
        self.0.insert(K::NAME, Arc::new(kind));
        self
    }

    /// The kind called `name`; an empty name means tcp (upstream pkg/config/load.go).
    ///
    /// # Errors
    /// Refused with upstream's `unknown proxy type` text.
    pub fn get(&self, name: &str) -> Result<&Arc<dyn DynServerKind>, ProxyError> {
        let name = if name.is_empty() { "tcp" } else { name };
        self.0
            .get(name)
            .ok_or_else(|| ProxyError::refused(format!("unknown proxy type: {name}")))
    }
}
