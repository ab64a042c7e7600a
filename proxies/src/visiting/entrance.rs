//! Where users of a visitor come in: a TCP port, or another visitor that sends them.

use std::{io, sync::Arc};

use culvert_conf::VisitorConfig;
use culvert_io::{Stream, network::canonical};
use culvert_proxy::ProxyError;
use culvert_transport::AcceptBackoff;
use tokio::{
    net::TcpListener,
    sync::{OwnedSemaphorePermit, Semaphore},
};

use super::listen;
use crate::addr::join_host_port;

/// Users that may wait for a way at a time: as many as the kernel holds before an accept. Each
/// costs a socket and a small task for at most half a minute.
const WAITING_USERS: usize = 4096;

/// The entrance of one visitor.
#[derive(Debug)]
pub(crate) struct Entrance {
    host: String,
    port: Option<u16>,
    name: String,
    seats: Arc<Semaphore>,
}

impl Entrance {
    /// The entrance that a visitor was configured with.
    pub(crate) fn new(config: &VisitorConfig) -> Self {
        Self {
            host: config.bind_addr.clone(),
            port: config.bind_port.map(u16::from),
            name: config.name.clone(),
            seats: Arc::new(Semaphore::new(WAITING_USERS)),
        }
    }

    async fn bind(&self, port: u16) -> io::Result<TcpListener> {
        let bound = TcpListener::bind((self.host.as_str(), port)).await;
        bound.map_err(|error| {
            let at = join_host_port(&self.host, port);
            io::Error::new(error.kind(), format!("listen tcp {at}: {error}"))
        })
    }

    /// A place among those that wait.
    ///
    /// # Errors
    /// All are taken.
    pub(crate) fn seat(&self) -> Result<OwnedSemaphorePermit, ProxyError> {
        let seat = Arc::clone(&self.seats).try_acquire_owned();
        seat.map_err(|_| ProxyError::Refused(format!("{WAITING_USERS} users wait already")))
    }

    /// Gives each user to `serve`; waits for nothing but the next one. Returns at once if there is
    /// no port.
    ///
    /// *Cancel safety*: the port is free again.
    pub(crate) async fn admit(&self, serve: impl Fn(Stream, OwnedSemaphorePermit)) {
        let Some(port) = self.port else {
            // Others may fall back to it, but nobody comes in here (protocol 5.9).
            return tracing::info!("start visitor success");
        };
        let listener = listen(|| self.bind(port)).await;
        let mut backoff = AcceptBackoff::new(format!("visitor listener [{}]", self.name));
        loop {
            let (socket, addr) = backoff.next_socket(&listener).await;
            let addr = canonical(addr);
            let seat = match self.seat() {
                Ok(seat) => seat,
                Err(error) => {
                    tracing::warn!("{error}, closing [{addr}]");
                    continue;
                }
            };
            tracing::debug!("get a user connection [{addr}]");
            match Stream::connected(socket, addr) {
                Ok(user) => serve(user, seat),
                Err(error) => tracing::debug!("user [{addr}] is gone already: {error}"),
            }
        }
    }
}
