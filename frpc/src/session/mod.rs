//! One login at the server: the control stream, and work connections on demand.

mod control;
mod login;
mod visit;
mod work;

use std::sync::{Arc, Weak};

use culvert_conf::{ClientConfig, WireVersion};
use culvert_io::Scope;
use culvert_transport::BoxSession;
use culvert_wire::{Codec, Key};
use parking_lot::Mutex;

use crate::{auth::Auth, proxies::Proxies, visitors::Visitors};
pub(crate) use control::End;
pub use login::LoginError;
pub(crate) use login::login;

/// What stays the same over all logins of this client.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) config: ClientConfig,
    pub(crate) auth: Auth,
    /// The key of v1 control streams and of encrypted work connections.
    pub(crate) key: Key,
    pub(crate) proxies: Proxies,
    pub(crate) visitors: Visitors,
    /// User connections, which outlive a session.
    pub(crate) users: Scope,
    /// The session of now, for visitors.
    current: Mutex<Weak<Session>>,
}

impl Client {
    pub(crate) fn new(config: ClientConfig, auth: Auth, root: &Scope) -> Self {
        let key = auth.token().key();
        let proxies = Proxies::new(&config, &key, root);
        let visitors = Visitors::new(&config, root);
        let users = root.child(tracing::Span::none());
        Self {
            config,
            auth,
            key,
            proxies,
            visitors,
            users,
            current: Mutex::default(),
        }
    }

    /// How messages are written, on every connection.
    const fn codec(&self) -> Codec {
        match self.config.transport.wire {
            WireVersion::V1 => Codec::V1,
            WireVersion::V2 => Codec::V2,
        }
    }
}

/// A login that succeeded.
pub(crate) struct Session {
    client: Arc<Client>,
    run_id: String,
    link: BoxSession,
    /// The control stream and pooled work connections; closing it ends the session.
    scope: Scope,
}
