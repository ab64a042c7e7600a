//! The open proxies of a session, and what the session lends them.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
    time::Duration,
};

use chrono::Local;
use culvert_io::{Meter, Scope, Stream};
use culvert_proxies::server_layers;
use culvert_proxy::{
    BoxFuture, LayerFlags, Lease, Opened, ProxyError, ServerCx, UserAddrs, layers,
};
use culvert_wire::{Codec, ProxyName, msg::NewProxy};
use parking_lot::Mutex;

use super::Session;
use crate::figures::Owner;

/// The longest proxy name: two of them must fit into one message with room to spare.
const NAME: usize = 1024;

/// Open proxies by name.
#[derive(Debug, Default)]
pub(super) struct Proxies(Mutex<HashMap<ProxyName, OpenProxy>>);

/// One open proxy: dropping its leases frees what it took.
#[derive(Debug)]
struct OpenProxy {
    scope: Scope,
    opened: Opened,
    /// Its place among the proxies that are shown as online.
    listed: Option<Lease>,
    name: Lease,
}

impl OpenProxy {
    /// Ends the proxy's tasks first, so that listeners are closed before their ports are free.
    async fn close(self) {
        self.scope.close(Duration::ZERO).await;
        drop(self.opened);
        drop(self.listed);
        drop(self.name);
    }
}

impl Proxies {
    /// Ends every proxy; when this returns, all that they held is free.
    async fn close_all(&self, closed: impl Fn(&ProxyName)) {
        let all = std::mem::take(&mut *self.0.lock());
        for (name, proxy) in all {
            tracing::info!("[{name}] proxy closing");
            proxy.close().await;
            closed(&name);
        }
    }
}

impl Session {
    /// Opens a proxy; answers its remote address.
    pub(super) async fn open_proxy(self: &Arc<Self>, ask: NewProxy) -> Result<String, ProxyError> {
        if ask.proxy_name.is_empty() {
            return Err(ProxyError::refused("proxy name should not be empty"));
        }
        if ask.proxy_name.len() > NAME {
            return Err(ProxyError::refused("proxy name is too long"));
        }
        let name = ProxyName::from(ask.proxy_name.as_str());
        let mut ask = ask;
        if ask.proxy_type.is_empty() {
            "tcp".clone_into(&mut ask.proxy_type);
        }
        let kind = self.server.kinds.get(&ask.proxy_type)?;
        let claimed = self.server.registry.claim(&name, &self.run_id)?;
        let span = tracing::error_span!(parent: self.scope.span(), "proxy", prefix = %name);
        let scope = self.scope.child(span.clone());
        let figures = self.server.figures.proxies.as_ref();
        let meter = figures.map(|figures| figures.meter(&name, &ask.proxy_type));
        let cx = Arc::new(Lent {
            meter: meter.clone(),
            users: self.users.child(span),
            datagrams: takes_datagrams(&ask),
            layers: server_layers(&ask, &self.auth.key),
            session: Arc::clone(self),
            name: name.clone(),
            kind: ask.proxy_type.clone(),
        });
        let opened = match kind.open(&ask, cx, &scope).await {
            Ok(opened) => opened,
            Err(err) => {
                scope.close(Duration::ZERO).await;
                return Err(err);
            }
        };
        let remote_addr = opened.remote_addr.clone();
        let listed = figures.zip(meter).map(|(figures, meter)| {
            let ask = shown(ask, &remote_addr);
            figures.open(name.clone(), ask, self.owner(), meter, Local::now())
        });
        self.proxies.0.lock().insert(
            name,
            OpenProxy {
                scope,
                opened,
                listed,
                name: claimed,
            },
        );
        Ok(remote_addr)
    }

    /// Whose proxies these are, as the dashboard shows it.
    fn owner(&self) -> Owner {
        let client_id = if self.client_id.is_empty() {
            self.run_id.to_string()
        } else {
            self.client_id.clone()
        };
        Owner {
            user: self.user.clone(),
            client_id,
        }
    }

    /// Closes every proxy.
    pub(super) async fn close_proxies(&self) {
        let hooks = self.server.hooks.load_full();
        let told = |name: &ProxyName| hooks.proxy_closed(&self.info, name.as_str());
        self.proxies.close_all(told).await;
    }

    /// Closes a proxy, if it is open.
    pub(super) async fn close_proxy(&self, name: &str) {
        let proxy = self.proxies.0.lock().remove(name);
        if let Some(proxy) = proxy {
            proxy.close().await;
            tracing::info!("close proxy [{name}] success");
            let hooks = self.server.hooks.load_full();
            hooks.proxy_closed(&self.info, name);
        }
    }
}

/// What may be shown of an ask: no secrets, and the port that the proxy got.
fn shown(ask: NewProxy, remote_addr: &str) -> NewProxy {
    let port = remote_addr.strip_prefix(':').and_then(|p| p.parse().ok());
    NewProxy {
        remote_port: port.unwrap_or(ask.remote_port),
        group_key: String::new(),
        http_user: String::new(),
        http_pwd: String::new(),
        headers: BTreeMap::new(),
        response_headers: BTreeMap::new(),
        sk: String::new(),
        ..ask
    }
}

/// Whether datagrams beside a work connection can do all that a proxy asks for. They know neither
/// its layers nor a limit, which may be the client's own: it says so, too (protocol 5.1).
fn takes_datagrams(ask: &NewProxy) -> bool {
    ["udp", "sudp"].contains(&&*ask.proxy_type)
        && !ask.use_encryption
        && !ask.use_compression
        && ask.bandwidth_limit.is_empty()
}

/// What a session lends to one proxy.
struct Lent {
    session: Arc<Session>,
    name: ProxyName,
    /// As in `NewProxy`.
    kind: String,
    users: Scope,
    layers: LayerFlags,
    /// Whether its packets may travel as datagrams.
    datagrams: bool,
    meter: Option<Arc<Meter>>,
}

impl Lent {
    /// Asks plugins about a user. As with upstream, requests to http proxies are not users, nor
    /// are datagrams (protocol 8.1).
    async fn admit(&self, user: UserAddrs) -> Result<(), ProxyError> {
        if ["http", "udp", "xtcp"].contains(&&*self.kind) {
            return Ok(());
        }
        let Some(from) = user.src else { return Ok(()) };
        let (session, proxy) = (&self.session, (self.name.as_str(), &*self.kind));
        let hooks = session.server.hooks.load_full();
        let admitted = hooks.new_user_conn(&session.info, proxy, from).await;
        admitted.map_err(|err| {
            ProxyError::refused(format!("the user conn [{from}] was rejected, err:{err}"))
        })
    }
}

impl ServerCx for Lent {
    fn name(&self) -> &ProxyName {
        &self.name
    }

    fn user(&self) -> &str {
        self.session.user()
    }

    fn work_conn(&self, user: UserAddrs) -> BoxFuture<'_, Result<Stream, ProxyError>> {
        Box::pin(async move {
            self.admit(user).await?;
            let work = self
                .session
                .start_work(&self.name, user, self.datagrams)
                .await?;
            layers::server(work, &self.layers)
        })
    }

    fn bare_work_conn(&self) -> BoxFuture<'_, Result<Stream, ProxyError>> {
        let work = self
            .session
            .start_work(&self.name, UserAddrs::default(), false);
        Box::pin(work)
    }

    fn codec(&self) -> Codec {
        self.session.codec
    }

    fn users(&self) -> &Scope {
        &self.users
    }

    fn meter(&self) -> Option<&Arc<Meter>> {
        self.meter.as_ref()
    }

    fn count_port(&self) -> Result<Lease, ProxyError> {
        self.session.count_port()
    }
}

impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
