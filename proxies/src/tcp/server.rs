//! The server's half: a port is opened, and each user gets a work connection.

use std::{net::SocketAddr, sync::Arc};

use culvert_io::{Meter, Peer, Relaying, Scope, Stream, relay};
use culvert_proxy::{Opened, ProxyError, ServerCx, ServerKind, UserAddrs};
use culvert_transport::AcceptBackoff;
use culvert_wire::msg::NewProxy;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::CancellationToken;

use crate::{
    addr::canonical,
    domains::no_group,
    ports::{Bound, Ports},
};

/// Users of one proxy that may wait for a work connection at a time: as many as the kernel holds
/// before an accept. Each costs a socket and a small task for at most `userConnTimeout`.
const WAITING_USERS: usize = 4096;

/// `type = "tcp"` at the server.
#[derive(Clone, Debug)]
pub struct TcpKind {
    ports: Ports,
}

impl TcpKind {
    /// The kind that takes its ports from `ports`.
    #[must_use]
    pub const fn new(ports: Ports) -> Self {
        Self { ports }
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
        no_group(ask)?;
        let seat = cx.count_port()?;
        let bound = {
            // The listener belongs to the thread that accepts.
            let _lane = scope.lane().enter();
            self.ports.listen_tcp(cx.name().as_str(), ask.remote_port)?
        };
        let port = bound.port;
        scope
            .span()
            .in_scope(|| tracing::info!("tcp proxy listen port [{port}]"));
        let users = cx.users().child(scope.span().clone());
        scope.spawn(accept(bound, cx, users));
        Ok(Opened {
            remote_addr: format!(":{port}"),
            leases: vec![seat],
        })
    }
}

/// Takes users until the proxy ends; waits for nothing but the next user.
async fn accept(bound: Bound<TcpListener>, cx: Arc<dyn ServerCx>, users: Scope) {
    let mut backoff = AcceptBackoff::new(format!("tcp proxy listener [{}]", cx.name()));
    let seats = Arc::new(Semaphore::new(WAITING_USERS));
    let mut full = false;
    loop {
        let (socket, addr) = backoff.next_socket(&bound.socket).await;
        let addr = canonical(addr);
        let Ok(seat) = Arc::clone(&seats).try_acquire_owned() else {
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
        tracing::info!("get a user connection [{addr}]");
        match user_stream(socket, addr) {
            Ok(user) => {
                let cx = Arc::clone(&cx);
                users.spawn_graceful(|stop| serve(user, cx, seat, stop));
            }
            Err(error) => tracing::debug!("user [{addr}] is gone already: {error}"),
        }
    }
}

fn user_stream(socket: TcpStream, addr: SocketAddr) -> std::io::Result<Stream> {
    let local = canonical(socket.local_addr()?);
    if !cfg!(target_os = "linux") {
        // On Linux the socket has it from the listener.
        socket.set_nodelay(true)?;
    }
    Ok(Stream::tcp(socket, Peer::new(addr, local, "tcp")))
}

/// Serves one user to the end. Told to stop, a waiting user is sent away; a served one goes on.
async fn serve(
    user: Stream,
    cx: Arc<dyn ServerCx>,
    seat: OwnedSemaphorePermit,
    stop: CancellationToken,
) {
    let Peer { addr, local, .. } = *user.peer();
    let addrs = UserAddrs {
        src: Some(addr),
        dst: Some(local),
    };
    let work = tokio::select! {
        biased;
        () = stop.cancelled() => return,
        work = cx.work_conn(addrs) => work,
    };
    drop(seat);
    let meter = cx.meter().cloned();
    drop(cx);
    let work = match work {
        Ok(work) => work,
        Err(error) => return tracing::warn!("no work connection for user [{addr}]: {error}"),
    };
    let _open = meter.as_ref().map(Meter::connected);
    let how = Relaying {
        meter,
        ..Relaying::default()
    };
    let done = relay(user, work, &how).await;
    tracing::debug!(
        "user [{addr}] done: {} bytes in, {} bytes out, {:?}",
        done.to_work,
        done.to_user,
        done.end
    );
}
