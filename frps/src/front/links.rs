//! Listeners of transports: from a link to a session or to its first message.
//!
//! As on the bind port, the accept loop takes links and nothing else; handshakes and whatever else
//! waits for a peer run in tasks of their own.

use std::{net::SocketAddr, sync::Arc};

use culvert_io::{Lanes, Scope};
use culvert_transport::{
    AcceptBackoff, BoxHandshake, BoxListener, DynListening, Link, Options, Result, TransportError,
    report,
};
use tokio::{sync::Mutex, time::Instant};

use super::{Arrived, serve_session};
use crate::{
    figures::{Layer, Refused},
    greet::{FIRST_MESSAGE, greet},
    server::Server,
    strangers::Seat,
};

/// A listener of any transport.
pub(crate) struct Links {
    name: String,
    encrypted: bool,
    at: SocketAddr,
    /// Held by the accept loop while it runs, and then by who ends the listener: sessions that it
    /// brought may need it to the last.
    listener: Mutex<BoxListener>,
}

impl Links {
    /// Listens at `at`; `name` is for log lines.
    ///
    /// *Cancel safety*: nothing is bound.
    ///
    /// # Errors
    /// As the transport's.
    pub(crate) async fn bind(
        transport: &dyn DynListening,
        name: &str,
        at: SocketAddr,
        opts: &Options,
    ) -> Result<Self> {
        let listener = transport.bind(at, opts).await?;
        Ok(Self {
            name: name.to_owned(),
            encrypted: transport.traits().encrypted,
            at: listener.local_addr().unwrap_or(at),
            listener: Mutex::new(listener),
        })
    }

    /// Where it listens.
    pub(crate) const fn at(&self) -> SocketAddr {
        self.at
    }

    /// Accepts until dropped, and gives each link to a lane.
    pub(crate) async fn accept(
        self: Arc<Self>,
        server: Arc<Server>,
        lanes: Arc<Lanes>,
        root: Scope,
    ) {
        let mut listener = self.listener.lock().await;
        let mut backoff = AcceptBackoff::new(format!("the {} listener", self.name));
        loop {
            let (handshake, addr) = backoff.next_link(listener.as_mut()).await;
            let Some(seat) = server.strangers.admit(addr.ip().to_canonical()) else {
                server.figures.counts.refuse(Refused::Crowd);
                tracing::debug!("too many connections from [{addr}] have not said who they are");
                continue;
            };
            // Without a mux a session is many connections; those of one address share a thread.
            let runtime = match server.config().transport.tcp_mux {
                None => lanes.shared_by(&addr.ip()),
                Some(_) => lanes.pick(),
            };
            let lane = root.child_on(runtime, tracing::Span::none());
            let (links, server, tasks) = (Arc::clone(&self), Arc::clone(&server), lane.clone());
            tasks.spawn(async move {
                // Boxed: handshakes are large and over when the session begins its long life.
                let arrive = Box::pin(links.arrive((handshake, addr), &server, &lane, seat));
                match arrive.await {
                    Ok(Some(arrived)) => serve_session(arrived, &server, &lane).await,
                    Ok(None) => {}
                    Err(err) => {
                        server.figures.counts.refuse(Refused::Handshake);
                        tracing::warn!("connection from [{addr}] refused: {}", report(&err));
                    }
                }
            });
        }
    }

    /// Ends what the listener keeps running; for when everything that it brought has ended.
    ///
    /// *Cancel safety*: what was to end, ends when the listener is dropped.
    pub(crate) async fn close(&self) {
        self.listener.lock().await.close().await;
    }

    /// Finishes a handshake, takes the layers off, and serves what is inside, unless it is a
    /// session: then that is answered.
    async fn arrive(
        &self,
        (handshake, addr): (BoxHandshake, SocketAddr),
        server: &Arc<Server>,
        lane: &Scope,
        seat: Seat,
    ) -> Result<Option<Arrived>> {
        let begun = Instant::now();
        let deadline = begun + FIRST_MESSAGE;
        let late = |what: &str| TransportError::Timeout {
            what: what.to_owned(),
            after: FIRST_MESSAGE,
        };
        let link = tokio::time::timeout_at(deadline, handshake)
            .await
            .map_err(|_elapsed| late(&format!("{} handshake", self.name)))??;
        let link = match link {
            Link::Pipe(stream) if self.encrypted => {
                server.stack.load().split(stream.adopt()?, lane)?
            }
            Link::Pipe(stream) => {
                let stack = server.stack.load_full();
                let carried = stack.carried(stream.adopt()?, lane, deadline);
                match carried.await {
                    // Probes that connect and leave are everyday; they are nobody's fault.
                    Err(TransportError::Io(err)) => {
                        tracing::debug!("[{addr}] left before it said anything: {err}");
                        return Ok(None);
                    }
                    carried => carried?,
                }
            }
            link => link,
        };
        let counts = &server.figures.counts;
        counts.shook(Layer::Transport, begun.elapsed());
        match link {
            Link::Session(session) => {
                return Ok(Some(Arrived {
                    session,
                    deadline,
                    stranger: Some(seat),
                }));
            }
            Link::Pipe(stream) => {
                greet(server, lane, (stream, None), deadline).await;
            }
            other => tracing::error!("internal error: no use for {other:?}"),
        }
        Ok(None)
    }
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Links")
            .field("name", &self.name)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}
