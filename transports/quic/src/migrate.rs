//! Moving a connection to the address that the machine has now (RFC 9000, section 9).

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    time::Duration,
};

use culvert_io::socket;
use culvert_transport::{Result, TransportError};
use quinn::{Connection, Endpoint};
use tokio::time::Instant;

use crate::listen::SOCKET_BUFFER;

/// How long the peer may be silent after the move. A new connection afterwards must be there
/// within the 3 s that users wait, so this is half of it; five probes fit in (RFC 9002, 6.2).
const SILENCE: Duration = Duration::from_millis(1500);

/// How often is looked whether it has answered.
const LOOK: Duration = Duration::from_millis(20);

/// A socket for packets to `to`, from whichever address leads there.
pub(crate) fn socket_to(to: SocketAddr) -> io::Result<UdpSocket> {
    let from = match to {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    socket::udp(from, SOCKET_BUFFER)
}

/// Gives the endpoint of `conn` a new socket, which makes the connection probe the new path at
/// once, and waits until the peer answers.
pub(crate) async fn migrate(endpoint: &Endpoint, conn: &Connection) -> Result<()> {
    let heard = || conn.stats().udp_rx.datagrams;
    let before = heard();
    endpoint.rebind(socket_to(conn.remote_address())?)?;
    let deadline = Instant::now() + SILENCE;
    while heard() == before {
        if Instant::now() >= deadline {
            return Err(TransportError::Timeout {
                what: "an answer to the address that this end moved to".to_owned(),
                after: SILENCE,
            });
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
