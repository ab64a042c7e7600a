//! One login at the server: the control stream, and work connections on demand.

mod control;
mod login;
mod meet;
mod visit;
mod work;

use std::{
    fmt,
    sync::{Arc, Weak, atomic::AtomicBool},
    time::Duration,
};

use culvert_conf::{ClientConfig, WireVersion};
use culvert_io::{Meter, Scope};
use culvert_proxies::{ClientCx, VirtualNet, xtcp::PeerCx};
use culvert_transport::BoxSession;
use culvert_transports::PeerTunnels;
use culvert_wire::{Codec, Key};
use parking_lot::Mutex;

use crate::{auth::Auth, proxies::Proxies, visitors::Visitors};
pub(crate) use control::End;
pub use login::LoginError;
pub(crate) use login::login;
use meet::Questions;

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
    /// What is asked about meeting other peers.
    questions: Arc<Questions>,
    /// Bytes and user connections of all proxies.
    pub(crate) meter: Arc<Meter>,
    /// The session of now, for visitors.
    current: Mutex<Weak<Session>>,
    /// Whether there ever was a session.
    was_online: AtomicBool,
}

impl Client {
    pub(crate) fn new(
        config: ClientConfig,
        auth: Auth,
        virtual_net: Option<VirtualNet>,
        root: &Scope,
    ) -> Self {
        let key = auth.token().key();
        let users = root.child(tracing::Span::none());
        let questions = Arc::<Questions>::default();
        let peers = PeerCx {
            stun_server: config.nat_hole_stun_server.clone(),
            control: Arc::<Questions>::clone(&questions),
            tunnels: Arc::new(PeerTunnels::new(&config)),
            users: users.clone(),
            sessions: root.child(tracing::Span::none()),
        };
        let lent = ClientCx {
            udp_packet_size: config.udp_packet_size,
            virtual_net,
            peers: Some(peers),
        };
        let proxies = Proxies::new(&config, &key, lent.clone(), root);
        let visitors = Visitors::new(&config, lent, root);
        Self {
            config,
            auth,
            key,
            proxies,
            visitors,
            users,
            questions,
            meter: Arc::default(),
            current: Mutex::default(),
            was_online: AtomicBool::new(false),
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

impl Session {
    /// How long the server takes to answer; `None` while nothing is known of it.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.link.round_trip()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("run_id", &self.run_id)
            .finish_non_exhaustive()
    }
}
