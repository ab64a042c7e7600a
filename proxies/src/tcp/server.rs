//! The server's half: a port is opened, and each user gets a work connection, of one proxy or of
//! whichever member of a group it is the turn.

use std::sync::Arc;

use culvert_io::{Scope, Stream, network::canonical};
use culvert_proxy::{Members, Opened, ProxyError, ServerCx, ServerKind, Turn, UserAddrs, join};
use culvert_transport::AcceptBackoff;
use culvert_wire::msg::NewProxy;
use tokio::{
    net::TcpListener,
    sync::{Mutex, OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::CancellationToken;

use crate::{
    groups::Groups,
    ports::{Bound, Ports},
};

/// Users of one port that may wait for a work connection at a time: as many as the kernel holds
/// before an accept. Each costs a socket and a small task for at most `userConnTimeout`.
const WAITING_USERS: usize = 4096;

/// `type = "tcp"` at the server.
#[derive(Clone, Debug)]
pub struct TcpKind {
    ports: Ports,
    groups: Groups<i64, Arc<dyn ServerCx>, Arc<Door>>,
}

/// An open port and who serves its users.
#[derive(Debug)]
struct Door {
    bound: Bound<TcpListener>,
    members: Arc<Members<Arc<dyn ServerCx>>>,
    /// Held by the one member that accepts; when it leaves, another takes over.
    accepting: Mutex<()>,
    seats: Arc<Semaphore>,
}

impl TcpKind {
    /// The kind that takes its ports from `ports`.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self {
            ports,
            groups: Groups::new("group should have same remote port"),
        }
    }
}

impl ServerKind for TcpKind {
    const NAME: &'static str = "tcp";

    async fn open(
        &self,
        ask: &NewProxy,
        cx: Arc<dyn ServerCx>,
        scope: &Scope,
    ) -> Result<Opened, ProxyError> {
        let seat = cx.count_port()?;
        let take = |members: &Arc<Members<_>>| {
            // The listener belongs to the thread that accepts.
            let _lane = scope.lane().enter();
            let bound = self.ports.listen_tcp(cx.name().as_str(), ask.remote_port)?;
            Ok(Arc::new(Door {
                bound,
                members: Arc::clone(members),
                accepting: Mutex::new(()),
                seats: Arc::new(Semaphore::new(WAITING_USERS)),
            }))
        };
        let member = Arc::clone(&cx);
        let (door, place) = self.groups.join(ask, ask.remote_port, member, take)?;
        let port = door.bound.port;
        scope.span().in_scope(|| {
            if ask.group.is_empty() {
                tracing::info!("tcp proxy listen port [{port}]");
            } else {
                tracing::info!("tcp proxy listen port [{port}] in group [{}]", ask.group);
            }
        });
        scope.spawn(accept(door));
        Ok(Opened {
            remote_addr: format!(":{port}"),
            leases: vec![place, seat],
        })
    }
}

/// Takes users until the proxy ends; waits for nothing but the next user.
async fn accept(door: Arc<Door>) {
    let _alone = door.accepting.lock().await;
    let mut backoff = AcceptBackoff::new(format!("tcp proxy listener [:{}]", door.bound.port));
    let mut full = false;
    loop {
        let (socket, addr) = backoff.next_socket(&door.bound.socket).await;
        let addr = canonical(addr);
        let Ok(seat) = Arc::clone(&door.seats).try_acquire_owned() else {
            if !full {
                tracing::warn!(
                    "{WAITING_USERS} users wait for a work connection, closing [{addr}] and \
                     further ones; is the client alive?"
                );
            }
            full = true;
            continue;
        };
        full = false;
        let turn = door.members.turn();
        let Some(users) = turn.first().map(|member| member.users().clone()) else {
            continue;
        };
        users
            .span()
            .in_scope(|| tracing::info!("get a user connection [{addr}]"));
        match Stream::connected(socket, addr) {
            Ok(user) => users.spawn_graceful(|stop| serve(user, turn, seat, stop)),
            Err(error) => tracing::debug!("user [{addr}] is gone already: {error}"),
        }
    }
}

/// Serves one user to the end. Told to stop, a waiting user is sent away; a served one goes on.
async fn serve(
    user: Stream,
    turn: Turn<Arc<dyn ServerCx>>,
    seat: OwnedSemaphorePermit,
    stop: CancellationToken,
) {
    let addrs = UserAddrs::of(user.peer());
    let addr = user.peer().addr;
    let user = match in_place(user, &turn) {
        Ok(user) => user,
        Err(error) => return tracing::debug!("user [{addr}] is gone already: {error}"),
    };
    let work = tokio::select! {
        biased;
        () = stop.cancelled() => return,
        work = turn.work_conn(addrs) => work,
    };
    drop((seat, turn));
    let (proxy, work) = match work {
        Ok(work) => work,
        Err(error) => return tracing::warn!("no work connection for user [{addr}]: {error}"),
    };
    let done = join(user, work, proxy).await;
    tracing::debug!("user [{addr}] done: {done}");
}

/// A member of a group may be served on another thread than the one that accepts.
fn in_place(user: Stream, turn: &Turn<Arc<dyn ServerCx>>) -> std::io::Result<Stream> {
    if turn.is_alone() {
        Ok(user)
    } else {
        user.adopt()
    }
}
