//! How others see us: a STUN server is asked from one socket, then once more at its other address
//! (protocol 6.2).

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4},
    time::Duration,
};

use culvert_nathole::{
    Nat, NatError,
    stun::{self, Answer, TransactionId},
};
use tokio::{
    net::{UdpSocket, lookup_host},
    time::{Instant, timeout, timeout_at},
};

/// How long looking its name up may take: the system's own limit is often longer.
const LOOK_UP: Duration = Duration::from_secs(10);
/// How long one address of the server may be silent (protocol 6.2).
const ANSWER: Duration = Duration::from_secs(3);
/// When a request is sent again, doubled each time (RFC 8489, section 6.2.1). upstream:
/// pkg/nathole/discovery.go sends it once.
const AGAIN: Duration = Duration::from_millis(500);
/// Addresses of our own that a peer is told (protocol 6.2).
const OWN: usize = 10;
/// Larger answers are none of ours: a STUN message over UDP should fit 576 bytes (RFC 8489,
/// section 6.1).
const LARGEST: usize = 1500;

/// What a STUN server has told us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovered {
    /// Where the socket is bound.
    pub local: SocketAddr,
    /// The address that each of the server's addresses saw; two of them.
    pub mapped: Vec<SocketAddr>,
    /// Our own addresses, with the socket's port.
    pub own: Vec<SocketAddr>,
    /// The kind of NAT in front of us.
    pub nat: Nat,
}

/// Nothing is known of how others see us.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoverError {
    /// The name leads nowhere, or the socket cannot be had.
    #[error("discover error: {what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// The server has no IPv4 address.
    #[error("discover error: [{0}] has no IPv4 address")]
    NoAddress(String),
    /// The server did not answer.
    #[error("discover error: wait response from stun server timeout")]
    Silent,
    /// The server has one address only, or cannot be reached at the other.
    #[error("discover error: can not get enough addresses, need 2, got: [{0}]")]
    TooFew(String),
    /// The answers cannot be compared.
    #[error("classify nat feature error: {0}")]
    Nat(#[from] NatError),
}

/// Asks `server`, a name or address with a port, from a socket at `local`, which may have port 0.
///
/// *Cancel safety*: the socket is closed.
///
/// # Errors
/// The server does not answer from two addresses.
pub async fn discover(server: &str, local: SocketAddrV4) -> Result<Discovered, DiscoverError> {
    Ok(prepare(server, local).await?.1)
}

/// The same, with the socket, which others can now be told the address of.
pub(crate) async fn prepare(
    server: &str,
    local: SocketAddrV4,
) -> Result<(UdpSocket, Discovered), DiscoverError> {
    let server = resolve(server).await?;
    let socket = UdpSocket::bind(local).await;
    let failed = |what: String| move |source| DiscoverError::Io { what, source };
    let socket = socket.map_err(failed(format!("listen udp4 {local}")))?;
    let local = socket
        .local_addr()
        .map_err(failed("udp socket".to_owned()))?;
    let first = ask(&socket, server).await?;
    let mut mapped: Vec<_> = first.mapped.into_iter().collect();
    if let Some(other) = first
        .other
        .filter(|other| other.is_ipv4() && *other != server)
    {
        mapped.extend(ask(&socket, other).await?.mapped);
    }
    if mapped.len() < 2 {
        let got: Vec<_> = mapped.iter().map(ToString::to_string).collect();
        return Err(DiscoverError::TooFew(got.join(" ")));
    }
    let own = own_addresses();
    let nat = Nat::of(&mapped, &own)?;
    let own = own.into_iter().map(|ip| SocketAddr::new(ip, local.port()));
    let discovered = Discovered {
        local,
        mapped,
        own: own.collect(),
        nat,
    };
    Ok((socket, discovered))
}

async fn resolve(server: &str) -> Result<SocketAddr, DiscoverError> {
    let failed = |source| DiscoverError::Io {
        what: format!("stun server [{server}]"),
        source,
    };
    let found = timeout(LOOK_UP, lookup_host(server)).await;
    let found = found.unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into()));
    let mut found = found.map_err(failed)?;
    let v4 = found.find(SocketAddr::is_ipv4);
    v4.ok_or_else(|| DiscoverError::NoAddress(server.to_owned()))
}

/// One question, repeated until it is answered from where it was sent to.
async fn ask(socket: &UdpSocket, server: SocketAddr) -> Result<Answer, DiscoverError> {
    let failed = |source| DiscoverError::Io {
        what: format!("stun server [{server}]"),
        source,
    };
    let mut id: TransactionId = [0; 12];
    getrandom::fill(&mut id).map_err(|error| failed(io::Error::other(error)))?;
    let request = stun::request(id);
    let end = Instant::now() + ANSWER;
    let mut wait = AGAIN;
    while Instant::now() < end {
        socket.send_to(&request, server).await.map_err(failed)?;
        let next = end.min(Instant::now() + wait);
        if let Ok(answer) = timeout_at(next, answer(socket, server, id)).await {
            return Ok(answer);
        }
        wait *= 2;
    }
    Err(DiscoverError::Silent)
}

/// Waits for the answer; other datagrams are not looked at.
async fn answer(socket: &UdpSocket, server: SocketAddr, id: TransactionId) -> Answer {
    let mut buffer = [0; LARGEST];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, from)) if from == server => {
                let datagram = buffer.get(..length).unwrap_or_default();
                if let Ok(answer) = stun::read(datagram, id) {
                    return answer;
                }
            }
            Ok(_) => {}
            // Some systems report here that nobody listens there, or not yet.
            Err(error) => tracing::debug!("stun server [{server}]: {error}"),
        }
        tokio::task::consume_budget().await;
    }
}

/// The addresses of our interfaces that a peer of our own network could reach.
fn own_addresses() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::debug!("the system does not tell its addresses: {error}");
        Vec::new()
    });
    let addresses = interfaces.into_iter().map(|one| one.ip());
    let useful = |ip: &IpAddr| matches!(ip, IpAddr::V4(ip) if is_useful(*ip));
    addresses.filter(useful).take(OWN).collect()
}

const fn is_useful(ip: Ipv4Addr) -> bool {
    !(ip.is_loopback() || ip.is_link_local() || ip.is_unspecified())
}
