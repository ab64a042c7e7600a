//! What every connection of the server shares.

use std::sync::Arc;

use arc_swap::ArcSwap;
use culvert_conf::ServerConfig;
use culvert_http::{HttpVhost, HttpsVhost};
use culvert_io::Scope;
use culvert_proxies::Visitors;
use culvert_proxy::ServerKinds;
use culvert_transports::ServerStack;
use culvert_wire::{
    Key, Token, WireError,
    v2::{self, Negotiated},
};

use crate::{
    figures::Figures, front::Shared, hooks::Hooks, registry::Registry, strangers::Strangers,
};

/// What every connection of the server shares.
pub(crate) struct Server {
    pub(crate) config: ServerConfig,
    pub(crate) auth: Auth,
    pub(crate) stack: ServerStack,
    pub(crate) kinds: ServerKinds,
    /// The secret services that wait for visitors.
    pub(crate) visitors: Visitors,
    pub(crate) registry: Arc<Registry>,
    pub(crate) strangers: Arc<Strangers>,
    pub(crate) figures: Figures,
    /// The programs that are asked before an operation.
    pub(crate) hooks: ArcSwap<Hooks>,
    pub(crate) http: Option<Arc<HttpVhost>>,
    pub(crate) https: Option<Arc<HttpsVhost>>,
    pub(crate) shared: Shared,
    /// Users of the vhosts, who belong to no session before their request is read.
    pub(crate) vhost_users: Scope,
}

/// How clients prove themselves.
pub(crate) struct Auth {
    token: Token,
    /// The key of v1 control streams and of encrypted work connections.
    pub(crate) key: Key,
    /// Whether each Ping is checked.
    pub(crate) heartbeats: bool,
    /// Whether each NewWorkConn is checked.
    pub(crate) work_conns: bool,
}

impl Auth {
    pub(crate) fn new(token: &str, scopes: culvert_conf::Scopes) -> Self {
        let token = Token::new(token);
        Self {
            key: token.key(),
            token,
            heartbeats: scopes.heartbeats,
            work_conns: scopes.new_work_conns,
        }
    }

    /// Settles the control cipher of a client that speaks version 2, from its hello.
    ///
    /// # Errors
    /// There is nothing to agree on, or the hello means nothing.
    pub(crate) fn negotiate(&self, hello: &[u8]) -> Result<Negotiated, WireError> {
        v2::negotiate(hello, &self.token)
    }

    /// Whether `key` was made with our token.
    pub(crate) fn proves(&self, timestamp: i64, key: &str) -> bool {
        self.token.verify(timestamp, key)
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("registry", &self.registry)
            .finish_non_exhaustive()
    }
}
