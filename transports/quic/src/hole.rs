//! A session over a socket that two peers have already met on (xtcp, protocol 6.5).

use std::{
    net::{SocketAddr, UdpSocket},
    sync::Arc,
    time::Duration,
};

use culvert_transport::{Options, Result, TransportError};
use quinn::{Endpoint, EndpointConfig, ServerConfig};

use crate::{
    QuicOptions, QuicSession, error, listen,
    settings::{self, Limits},
    tasks::Tasks,
};

/// How long the handshake may take, which begins right after the peers have met.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Dials `peer` from `socket`, which does not block. It verifies nothing: the peer's certificate
/// is one of its own making. Must be called on the runtime that will drive the socket.
///
/// *Cancel safety*: the attempt is given up.
///
/// # Errors
/// The peer does not answer in time, or speaks something else.
pub async fn dial_hole(socket: UdpSocket, peer: SocketAddr, opts: &Options) -> Result<QuicSession> {
    let options = opts.parse::<QuicOptions>()?;
    let config = settings::client_of_anyone(&options)?;
    let (endpoint, tasks) = endpoint(socket, None, peer)?;
    let port = endpoint.local_addr()?.port();
    // Nobody looks at the name; an address is always allowed, and not sent.
    let connecting = endpoint
        .connect_with(config, peer, &peer.ip().to_string())
        .map_err(|err| error::layer("quic", err))?;
    let conn = in_time(async { connecting.await.map_err(|err| error::handshake(&peer, err)) });
    Ok(QuicSession::new(
        conn.await?,
        port,
        Limits::of(&options),
        tasks,
    ))
}

/// Accepts one connection of `peer` on `socket`, which does not block, with a certificate of our own
/// making and whatever name the peer asks for. Must be called on the runtime that will drive the
/// socket.
///
/// *Cancel safety*: the attempt is given up.
///
/// # Errors
/// The peer does not dial in time, or speaks something else.
pub async fn accept_hole(
    socket: UdpSocket,
    peer: SocketAddr,
    opts: &Options,
) -> Result<QuicSession> {
    let options = opts.parse::<QuicOptions>()?;
    let config = settings::server_for_anyone(&options)?;
    let (endpoint, tasks) = endpoint(socket, Some(config), peer)?;
    let port = endpoint.local_addr()?.port();
    let limits = Limits::of(&options);
    let session = in_time(async {
        while let Some(incoming) = endpoint.accept().await {
            // Its port may have changed, if its NAT is one of those that do that.
            if incoming.remote_address().ip() == peer.ip() {
                return listen::handshake(incoming, limits, port, tasks.clone()).await;
            }
            incoming.ignore();
        }
        Err(TransportError::Internal(
            "the quic endpoint has failed".to_owned(),
        ))
    })
    .await?;
    endpoint.set_server_config(None);
    Ok(session)
}

fn endpoint(
    socket: UdpSocket,
    config: Option<ServerConfig>,
    peer: SocketAddr,
) -> Result<(Endpoint, Tasks)> {
    let tasks = Tasks::new();
    let runtime = Arc::new(tasks.clone());
    let endpoint = Endpoint::new(EndpointConfig::default(), config, socket, runtime);
    Ok((endpoint.map_err(|err| error::dial(&peer, err))?, tasks))
}

async fn in_time<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let done = tokio::time::timeout(HANDSHAKE, work).await;
    done.unwrap_or_else(|_elapsed| {
        Err(TransportError::Timeout {
            what: "quic handshake with the other peer".to_owned(),
            after: HANDSHAKE,
        })
    })
}
