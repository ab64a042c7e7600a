//! What every connection of the server shares.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use culvert_conf::ServerConfig;
use culvert_io::Scope;
use culvert_proxies::{Ports, Visitors, xtcp::Meetings};
use culvert_proxy::ServerKinds;
use culvert_transports::ServerStack;

use crate::{
    auth::Auth,
    figures::Figures,
    front::Shared,
    hooks::Hooks,
    registry::Registry,
    strangers::Strangers,
    vhosts::{ConnectVhost, HttpVhost, HttpsVhost},
};

/// The configuration that is in force.
pub(crate) type Settings = Arc<ArcSwap<ServerConfig>>;

/// What every connection of the server shares.
pub(crate) struct Server {
    /// What is in force: what the program was started with, and what reloads changed.
    pub(crate) settings: Settings,
    /// For new clients; a session keeps the one that it was let in by.
    pub(crate) auth: ArcSwap<Auth>,
    pub(crate) stack: ArcSwap<ServerStack>,
    /// The ports of tcp proxies and of udp proxies.
    pub(crate) ports: [Ports; 2],
    pub(crate) kinds: ServerKinds,
    /// The secret services that wait for visitors.
    pub(crate) visitors: Visitors,
    /// The services whose visitors come without us in between.
    pub(crate) meetings: Meetings,
    pub(crate) registry: Arc<Registry>,
    pub(crate) strangers: Arc<Strangers>,
    pub(crate) figures: Figures,
    /// The programs that are asked before an operation.
    pub(crate) hooks: ArcSwap<Hooks>,
    pub(crate) http: Option<Arc<HttpVhost>>,
    pub(crate) https: Option<Arc<HttpsVhost>>,
    pub(crate) tcpmux: Option<Arc<ConnectVhost>>,
    pub(crate) shared: Shared,
    /// Users of the vhosts, who belong to no session before their request is read.
    pub(crate) vhost_users: Scope,
}

impl Server {
    /// The configuration that is in force.
    pub(crate) fn config(&self) -> Guard<Arc<ServerConfig>> {
        self.settings.load()
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("registry", &self.registry)
            .finish_non_exhaustive()
    }
}
