//! Listening: attempts are taken one by one, handshakes run elsewhere, floods are made to prove
//! their address.

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use culvert_io::socket;
use culvert_transport::{BoxHandshake, Link, Listener, Options, Result, TransportError};
use quinn::{Endpoint, EndpointConfig, Incoming};

use crate::{
    QuicOptions, QuicSession, error,
    session::{CODE, LAST_WORDS},
    settings::{self, Limits},
    tasks::Tasks,
};

/// What a socket should hold while its thread is busy: 0.3 s at 100 Mbit/s. The system may give
/// less.
pub(crate) const SOCKET_BUFFER: usize = 4 << 20;

/// How long a handshake may take: upstream's gives up after twice its idle time of 5 s (quic-go).
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Handshakes with unproven addresses, above which newcomers are sent a Retry first (RFC 9000, 8.1).
/// A forged address never answers it, and an honest client only loses a round trip.
pub(crate) const UNPROVEN: usize = 64;
/// Handshakes at once. Each holds some 20 KiB; with more than that waiting nobody would be served
/// in time.
const HANDSHAKES: usize = 1024;

/// The accepting side of the transport.
pub struct QuicListener {
    endpoint: Endpoint,
    tasks: Tasks,
    limits: Limits,
    port: u16,
    load: Load,
}

/// Handshakes that are under way.
#[derive(Clone, Default)]
struct Load {
    all: Arc<AtomicUsize>,
    unproven: Arc<AtomicUsize>,
}

/// A place among the handshakes.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl QuicListener {
    /// Listens at one address; reads the certificate files, or generates a certificate. Must be
    /// called on the runtime that will drive the socket.
    ///
    /// # Errors
    /// A file cannot be used, the transport's own table does not fit, or the system refuses the address.
    pub fn bind(at: SocketAddr, opts: &Options) -> Result<Self> {
        let options = opts.parse::<QuicOptions>()?;
        let config = settings::server(&options, &opts.tls)?;
        let tasks = Tasks::new();
        let failed = |err| error::listen(at, err);
        let socket = socket::udp(at, SOCKET_BUFFER).map_err(failed)?;
        let runtime = Arc::new(tasks.clone());
        let endpoint = Endpoint::new(EndpointConfig::default(), Some(config), socket, runtime)
            .map_err(failed)?;
        let port = endpoint.local_addr().map_err(failed)?.port();
        Ok(Self {
            endpoint,
            tasks,
            limits: Limits::of(&options),
            port,
            load: Load::default(),
        })
    }

    /// Lets one attempt in, sends it a Retry, or turns it away.
    fn admit(&self, incoming: Incoming) -> Option<BoxHandshake> {
        let proven = incoming.remote_address_validated();
        if !proven && self.load.unproven.load(Ordering::Relaxed) >= UNPROVEN {
            if let Err(err) = incoming.retry() {
                err.into_incoming().refuse();
            }
            return None;
        }
        if self.load.all.load(Ordering::Relaxed) >= HANDSHAKES {
            incoming.refuse();
            return None;
        }
        let places = (
            Place::take(&self.load.all),
            (!proven).then(|| Place::take(&self.load.unproven)),
        );
        let (limits, port, tasks) = (self.limits, self.port, self.tasks.clone());
        Some(Box::pin(async move {
            let _places = places;
            let session = handshake(incoming, limits, port, tasks).await?;
            Ok(Link::Session(Arc::new(session)))
        }))
    }
}

pub(crate) async fn handshake(
    incoming: Incoming,
    limits: Limits,
    port: u16,
    tasks: Tasks,
) -> Result<QuicSession> {
    let failed = |err| error::layer("quic handshake", err);
    // From here on quinn drives the connection on this thread.
    let connecting = incoming.accept().map_err(failed)?;
    let conn = tokio::time::timeout(HANDSHAKE, connecting)
        .await
        .map_err(|_elapsed| TransportError::Timeout {
            what: "quic handshake".to_owned(),
            after: HANDSHAKE,
        })?
        .map_err(failed)?;
    Ok(QuicSession::new(conn, port, limits, tasks))
}

impl Listener for QuicListener {
    type Handshake = BoxHandshake;

    async fn accept(&mut self) -> io::Result<(Self::Handshake, SocketAddr)> {
        loop {
            let Some(incoming) = self.endpoint.accept().await else {
                // Only when quinn's own task has failed; nothing will come any more.
                return Err(io::Error::new(
                    io::ErrorKind::NotConnected,
                    "the quic endpoint has failed",
                ));
            };
            let addr = incoming.remote_address();
            if let Some(handshake) = self.admit(incoming) {
                let addr = SocketAddr::new(addr.ip().to_canonical(), addr.port());
                return Ok((handshake, addr));
            }
            // A flood must not keep the thread.
            tokio::task::consume_budget().await;
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.endpoint.local_addr()
    }

    /// Tells every peer that is left. Sessions that ended before had their own last words.
    async fn close(&mut self) {
        self.endpoint.close(CODE, &[]);
        // A goodbye is repeated to those who have not heard it (RFC 9000, 10.2.1), but nobody
        // waits long for them.
        let _heard = tokio::time::timeout(LAST_WORDS, self.endpoint.wait_idle()).await;
    }
}

impl fmt::Debug for QuicListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuicListener")
            .field("port", &self.port)
            .field("handshakes", &self.load.all.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}
