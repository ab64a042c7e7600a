//! The visitor: a TCP port of the client's that leads to the service.

use std::{io, net::SocketAddr, sync::Arc};

use culvert_conf::VisitorConfig;
use culvert_io::{Peer, Relaying, Scope, Stream, relay};
use culvert_proxy::{BoxFuture, Visitor, VisitorCx};
use culvert_transport::AcceptBackoff;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{
    addr::{canonical, join_host_port},
    visiting::{SecretService, listen},
};

/// Users that may wait for the server at a time: as many as the kernel holds before an accept. Each
/// costs a socket and a small task for at most three times 10 s.
const WAITING_USERS: usize = 4096;

/// A visitor of `type = "stcp"`.
#[derive(Debug)]
pub struct StcpVisitor {
    service: Arc<SecretService>,
    host: String,
    port: Option<u16>,
    name: String,
}

impl StcpVisitor {
    /// The visitor that was configured so.
    #[must_use]
    pub fn new(config: &VisitorConfig) -> Self {
        Self {
            service: Arc::new(SecretService::new(config)),
            host: config.bind_addr.clone(),
            port: config.bind_port.map(u16::from),
            name: config.name.clone(),
        }
    }

    async fn bind(&self, port: u16) -> io::Result<TcpListener> {
        let bound = TcpListener::bind((self.host.as_str(), port)).await;
        bound.map_err(|error| {
            let at = join_host_port(&self.host, port);
            io::Error::new(error.kind(), format!("listen tcp {at}: {error}"))
        })
    }

    /// Takes users; waits for nothing but the next one.
    async fn accept(&self, cx: Arc<dyn VisitorCx>, users: Scope) {
        let Some(port) = self.port else {
            // Others may fall back to it, but nobody comes in here (protocol 5.9).
            return tracing::info!("start visitor success");
        };
        let listener = listen(|| self.bind(port)).await;
        let mut backoff = AcceptBackoff::new(format!("visitor listener [{}]", self.name));
        let seats = Arc::new(Semaphore::new(WAITING_USERS));
        loop {
            let (socket, addr) = backoff.next_socket(&listener).await;
            let addr = canonical(addr);
            let Ok(seat) = Arc::clone(&seats).try_acquire_owned() else {
                tracing::warn!("{WAITING_USERS} users wait for the server, closing [{addr}]");
                continue;
            };
            tracing::debug!("get a user connection [{addr}]");
            match user_stream(socket, addr) {
                Ok(user) => {
                    let (service, cx) = (Arc::clone(&self.service), Arc::clone(&cx));
                    users.spawn_graceful(|stop| serve(user, service, cx, seat, stop));
                }
                Err(error) => tracing::debug!("user [{addr}] is gone already: {error}"),
            }
        }
    }
}

impl Visitor for StcpVisitor {
    fn run<'a>(&'a self, cx: Arc<dyn VisitorCx>, scope: &'a Scope) -> BoxFuture<'a, ()> {
        let users = cx.users().child(scope.span().clone());
        Box::pin(self.accept(cx, users).instrument(scope.span().clone()))
    }
}

fn user_stream(socket: TcpStream, addr: SocketAddr) -> io::Result<Stream> {
    let local = canonical(socket.local_addr()?);
    socket.set_nodelay(true)?;
    Ok(Stream::tcp(socket, Peer::new(addr, local, "tcp")))
}

/// Serves one user to the end. Told to stop, a waiting user is sent away; a served one goes on.
async fn serve(
    user: Stream,
    service: Arc<SecretService>,
    cx: Arc<dyn VisitorCx>,
    seat: OwnedSemaphorePermit,
    stop: CancellationToken,
) {
    let addr = user.peer().addr;
    let dialled = tokio::select! {
        biased;
        () = stop.cancelled() => return,
        dialled = service.dial(&*cx) => dialled,
    };
    drop((seat, cx));
    let work = match dialled {
        Ok((work, _codec)) => work,
        Err(error) => return tracing::warn!("no way to the service for user [{addr}]: {error}"),
    };
    let done = relay(user, work, &Relaying::default()).await;
    tracing::debug!(
        "user [{addr}] done: {} bytes in, {} bytes out, {:?}",
        done.to_work,
        done.to_user,
        done.end
    );
}
