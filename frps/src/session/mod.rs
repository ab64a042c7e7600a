//! One logged-in client: its control stream, its work connections, its proxies.

mod control;
#[cfg(feature = "ssh")]
mod local;
mod login;
mod meet;
mod proxies;
mod visit;
mod work;
mod work_pool;

use std::{
    fmt,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use culvert_io::Scope;
use culvert_proxy::{Lease, ProxyError};
use culvert_transport::DynSession;
use culvert_wire::{Codec, Message, RunId, msg::ReqWorkConn};
use parking_lot::Mutex;
use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::Instant,
};

use crate::{auth::Auth, hooks::UserInfo, server::Server};
#[cfg(feature = "ssh")]
pub(crate) use local::LocalClient;
pub(crate) use login::{Proof, login};
use proxies::Proxies;
pub(crate) use visit::accept_visitor;
pub(crate) use work::accept_work;
use work_pool::WorkPool;

/// Messages that may wait to be written to one client. A user that finds the queue full waits,
/// within its own deadline; 256 users can ask at once, as many as a mux accepts streams.
const OUTGOING: usize = 256;

/// One logged-in client.
pub(crate) struct Session {
    run_id: RunId,
    user: String,
    /// Who it is, as plugins are told.
    info: UserInfo,
    /// The version of the control connection, in which datagrams are written too.
    codec: Codec,
    server: Arc<Server>,
    /// What proved it, and proves what it says.
    auth: Arc<Auth>,
    /// What the client asked for, within `maxPoolCount`.
    pool_count: usize,
    pool: WorkPool,
    /// What others want sent; boxed, because a channel keeps room for 32.
    outgoing: mpsc::Sender<Box<Message>>,
    /// The control stream and the proxies; closing it ends the session.
    scope: Scope,
    /// User connections, which outlive the session.
    users: Scope,
    proxies: Proxies,
    /// What the client calls itself; empty if it does not.
    client_id: String,
    /// Its place among the clients that are shown as online.
    listed: Mutex<Option<Lease>>,
    ports: Arc<AtomicU32>,
    /// Places for meetings of peers.
    meetings: Arc<Semaphore>,
    retired: AtomicBool,
    gone: watch::Sender<bool>,
    line: OnceLock<Line>,
}

/// How a client came.
struct Line {
    transport: &'static str,
    /// The link, if the control stream is one of several on it.
    link: Option<Weak<dyn DynSession>>,
}

impl Session {
    pub(crate) const fn run_id(&self) -> &RunId {
        &self.run_id
    }

    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    /// What names the client among all, as dashboards have it.
    pub(crate) fn key(&self) -> String {
        let id = match &*self.client_id {
            "" => self.run_id.as_str(),
            id => id,
        };
        match &*self.user {
            "" => id.to_owned(),
            user => format!("{user}.{id}"),
        }
    }

    /// The transport that the client came by; empty if it is inside this program.
    pub(crate) fn transport(&self) -> &'static str {
        self.line.get().map_or("", |line| line.transport)
    }

    /// How long the client takes to answer; `None` while nothing is known of it.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        let link = self.line.get()?.link.as_ref()?.upgrade()?;
        link.round_trip()
    }

    /// Work connections that wait for users.
    pub(crate) fn pooled(&self) -> usize {
        self.pool.idle()
    }

    /// Tells the session to end; returns at once.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
        self.scope.stop();
    }

    /// Closes every proxy, so that no new user comes in.
    pub(crate) async fn close_doors(&self) {
        self.close_proxies().await;
    }

    /// Gives user connections up to `grace` to end.
    pub(crate) async fn close_users(&self, grace: Duration) {
        let cut = self.users.close(grace).await;
        if cut > 0 {
            tracing::info!("[{}] {cut} user connections were cut off", self.run_id);
        }
    }

    /// Whether the session was told to end, by a newer login or by the program's end.
    fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    /// Waits until nothing of the session is left but user connections.
    ///
    /// *Cancel safety*: safe.
    pub(crate) async fn gone(&self) {
        let mut gone = self.gone.subscribe();
        // An error means that the sender is gone, and the session with it.
        let _end = gone.wait_for(|gone| *gone).await;
    }

    /// Asks the client for one work connection.
    async fn request_work(&self) -> Result<(), ProxyError> {
        // Before it is sent: the connection may be there before this task runs again.
        self.pool.asked(Instant::now());
        self.outgoing
            .send(Box::new(ReqWorkConn::default().into()))
            .await
            .map_err(|_| ProxyError::NoWorkConn("the client's session is over"))
    }

    /// Takes a seat of `maxPortsPerClient`.
    fn count_port(&self) -> Result<Lease, ProxyError> {
        let ports = &self.ports;
        let limit = self
            .server
            .config()
            .max_ports_per_client
            .map_or(u32::MAX, u32::from);
        let seat = |n: u32| (n < limit).then_some(n + 1);
        if ports
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, seat)
            .is_err()
        {
            return Err(ProxyError::refused("exceed the max_ports_per_client"));
        }
        let ports = Arc::clone(ports);
        Ok(Lease::new(move || {
            ports.fetch_sub(1, Ordering::Relaxed);
        }))
    }

    /// Ends everything but user connections and says so. Called once, by the task that owns the
    /// control stream.
    async fn finish(self: &Arc<Self>) {
        self.scope.stop();
        self.pool.close();
        self.close_proxies().await;
        drop(self.listed.lock().take());
        self.server.registry.leave(self);
        self.gone.send_replace(true);
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("run_id", &self.run_id)
            .field("codec", &self.codec)
            .finish_non_exhaustive()
    }
}
