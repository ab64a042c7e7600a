//! One login at the server: the control stream, and work connections on demand.

mod control;
mod greet;
mod login;
mod meet;
mod visit;
mod work;

use std::{
    fmt,
    sync::{Arc, Weak, atomic::AtomicBool},
    time::Duration,
};

use culvert_conf::ClientConfig;
use culvert_io::{Meter, Scope};
use culvert_proxies::{ClientCx, PeerCx, VirtualNet};
use culvert_proxy::Control;
use culvert_transports::PeerTunnels;
use culvert_wire::Codec;
use parking_lot::Mutex;

use crate::{
    auth::Auth,
    paths::{Bundle, Path, Rung, Ways},
    proxies::Proxies,
    servers::Vitals,
    visitors::Visitors,
};
pub(crate) use control::End;
pub(crate) use greet::Who;
pub use login::LoginError;
pub(crate) use login::{LoggedIn, login, login_on};
use meet::Questions;

/// What stays the same over all logins at one server.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) config: ClientConfig,
    pub(crate) auth: Auth,
    pub(crate) proxies: Proxies,
    visitors: Arc<Visitors>,
    /// User connections, which outlive a session.
    pub(crate) users: Scope,
    /// What is asked about meeting other peers.
    questions: Arc<Questions>,
    /// Bytes and user connections of all proxies.
    pub(crate) meter: Arc<Meter>,
    /// What is seen of the server.
    pub(crate) vitals: Vitals,
    /// The paths to the server.
    pub(crate) bundle: Arc<Bundle>,
    /// The session of now, for visitors.
    current: Mutex<Weak<Session>>,
    /// Whether there ever was a session.
    was_online: AtomicBool,
}

impl Client {
    pub(crate) fn new(config: ClientConfig, auth: Auth, shared: Shared, root: &Scope) -> Self {
        let Shared {
            virtual_net,
            visitors,
            users,
            meter,
        } = shared;
        let key = auth.token().key();
        let questions = Arc::<Questions>::default();
        let control = Arc::<Questions>::clone(&questions);
        let lent = lent(&config, virtual_net, control, &users, root);
        let proxies = Proxies::new(&config, &key, lent, root);
        let bundle = Arc::new(Bundle::new(config.transport.sessions, root));
        Self {
            bundle,
            config,
            auth,
            proxies,
            visitors,
            users,
            questions,
            meter,
            vitals: Vitals::default(),
            current: Mutex::default(),
            was_online: AtomicBool::new(false),
        }
    }

    /// The control stream as proxies and visitors see it.
    pub(crate) fn control(&self) -> &dyn Control {
        &*self.questions
    }

    /// How messages are written, on every connection.
    const fn codec(&self) -> Codec {
        Who::of(self).codec()
    }
}

/// What the clients of all servers have in common.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) virtual_net: Option<VirtualNet>,
    pub(crate) visitors: Arc<Visitors>,
    /// User connections, which outlive a session.
    pub(crate) users: Scope,
    /// Bytes and user connections of all proxies.
    pub(crate) meter: Arc<Meter>,
}

/// What proxies or visitors are lent, with the control stream that is theirs.
pub(crate) fn lent(
    config: &ClientConfig,
    virtual_net: Option<VirtualNet>,
    control: Arc<dyn Control>,
    users: &Scope,
    root: &Scope,
) -> ClientCx {
    let peers = PeerCx {
        stun_server: config.nat_hole_stun_server.clone(),
        control,
        tunnels: Arc::new(PeerTunnels::new(config)),
        users: users.clone(),
        sessions: root.child(tracing::Span::none()),
    };
    ClientCx {
        udp_packet_size: config.udp_packet_size,
        virtual_net,
        peers: Some(peers),
    }
}

/// A login that succeeded.
pub(crate) struct Session {
    client: Arc<Client>,
    run_id: String,
    ways: Ways,
    /// The path of the control stream.
    path: Path,
    /// The control stream and pooled work connections; closing it ends the session.
    scope: Scope,
}

impl Session {
    /// The way to the server that its control stream takes.
    pub(crate) const fn rung(&self) -> &Rung {
        &self.path.rung
    }

    /// The ways to its server.
    pub(crate) const fn ways(&self) -> &Ways {
        &self.ways
    }

    /// The path of its control stream.
    pub(crate) const fn path(&self) -> &Path {
        &self.path
    }

    /// How long the server takes to answer; `None` while nothing is known of it.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.path.session.round_trip()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("run_id", &self.run_id)
            .finish_non_exhaustive()
    }
}
