//! The SSH gateway: `ssh -R :80:service:8080 -p PORT v0@server tcp --remote-port 6000` publishes a
//! service without frpc (protocol 8.2).
//!
//! Whoever connects gets no shell and no port of the server. Their command is a proxy written in
//! flags; a client inside the server opens it, and its users come out of the forward that they
//! asked for.

mod command;
mod handler;
mod keys;
mod leash;
mod patience;
mod tunnel;

use std::{path::PathBuf, sync::Arc, time::Duration};

use culvert_conf::SshTunnelGateway;
use culvert_io::{Lanes, Peer, Scope, Stream};
use culvert_transport::{AcceptBackoff, TransportError, report};
use russh::{MethodKind, MethodSet, SshId, server::Config};
use tokio::net::{TcpListener, TcpStream};

pub(crate) use command::{Said, Wish};
pub use keys::KeyError;
pub(crate) use keys::owner_in;

use crate::{server::Server, strangers::Seat};

/// How often a client that is silent is asked for a sign of life, as often as upstream sends its
/// heartbeat; after three without an answer it is gone.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// How long somebody with a wrong key waits, as russh proposes it.
const PENALTY: Duration = Duration::from_secs(1);
/// The most that may be on its way from a service to one user: the product of 100 Mbit/s and
/// 80 ms.
const WINDOW: u32 = 1 << 20;
/// Packets of one user that may wait here: a window of them.
const PACKETS: usize = 32;

/// Why the gateway cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// Its host key cannot be used.
    #[error("create ssh gateway error: {0}")]
    Key(#[from] KeyError),
    /// Its port cannot be opened.
    #[error("create ssh gateway error: {}", report(.0))]
    Listen(#[from] TransportError),
}

/// An open port for SSH clients.
pub(crate) struct Gateway {
    listener: TcpListener,
    config: Arc<Config>,
    /// Who may log in; everybody if there is none.
    authorized_keys: Option<PathBuf>,
}

impl Gateway {
    /// Opens the port at `host` and finds or makes the host key.
    ///
    /// *Cancel safety*: nothing is opened; a key may have been made.
    ///
    /// # Errors
    /// The port is taken, or there is no usable key.
    pub(crate) async fn bind(host: &str, config: &SshTunnelGateway) -> Result<Self, GatewayError> {
        let key = keys::host_key(config).await?;
        let port = u16::from(config.bind_port);
        let listener = culvert_tcp::listen(host, port).await?;
        tracing::info!("frps sshTunnelGateway listen on port {port}");
        let authorized_keys = config.authorized_keys_file.clone();
        let method = match authorized_keys {
            Some(_) => MethodKind::PublicKey,
            None => MethodKind::None,
        };
        let config = Config {
            server_id: SshId::Standard("SSH-2.0-frp".into()),
            methods: MethodSet::from(&[method][..]),
            auth_rejection_time: PENALTY,
            // Every client asks without a key first.
            auth_rejection_time_initial: Some(Duration::ZERO),
            keys: vec![key],
            window_size: WINDOW,
            channel_buffer_size: PACKETS,
            inactivity_timeout: None,
            keepalive_interval: Some(KEEPALIVE),
            ..Config::default()
        };
        Ok(Self {
            listener,
            config: Arc::new(config),
            authorized_keys,
        })
    }

    /// Accepts until dropped, and gives each connection to a lane.
    pub(crate) async fn accept(self, server: Arc<Server>, lanes: Arc<Lanes>, root: Scope) {
        let gateway = Arc::new(self);
        let mut backoff = AcceptBackoff::new("the ssh gateway");
        loop {
            let (socket, addr) = backoff.next_socket(&gateway.listener).await;
            let Some(seat) = server.strangers.admit(addr.ip().to_canonical()) else {
                tracing::debug!("too many connections from [{addr}] have not said who they are");
                continue;
            };
            let lane = root.child_on(lanes.pick(), tracing::Span::none());
            let (gateway, server, tasks) =
                (Arc::clone(&gateway), Arc::clone(&server), lane.clone());
            // A socket is driven by the runtime that registers it: the lane takes it over.
            match socket.into_std() {
                Ok(socket) => tasks.spawn_graceful(|_stop| async move {
                    if let Err(err) = gateway.arrive(socket, &server, &lane, seat).await {
                        tracing::debug!("ssh connection from [{addr}] ended: {err}");
                    }
                }),
                Err(err) => tracing::warn!("cannot hand a connection over: {err}"),
            }
        }
    }

    async fn arrive(
        &self,
        socket: std::net::TcpStream,
        server: &Arc<Server>,
        lane: &Scope,
        seat: Seat,
    ) -> std::io::Result<()> {
        let socket = TcpStream::from_std(socket)?;
        culvert_io::socket::tune(&socket, server.config().transport.tcp_keepalive)?;
        let peer = Peer::new(socket.peer_addr()?, socket.local_addr()?, "ssh");
        Box::pin(tunnel::serve(
            self,
            Stream::tcp(socket, peer),
            server,
            lane,
            seat,
        ))
        .await;
        Ok(())
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway")
            .field("listener", &self.listener)
            .field("authorized_keys", &self.authorized_keys)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
