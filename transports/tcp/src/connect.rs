//! Dialling: every address of a name in turn, the next one a moment after the one before.

use std::{io, net::SocketAddr, time::Duration};

use culvert_io::{Peer, Stream, socket};
use culvert_transport::{Common, Connector, Link, Result, Target, Transport, TransportError};
use tokio::{net::TcpStream, task::JoinSet};

use crate::{
    Tcp, error,
    resolve::{no_address, resolve},
};

/// How long one address may be silent before the next is tried as well (RFC 8305, section 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// Dials `to` within the dial timeout of `common`.
///
/// *Cancel safety*: safe; the attempts are given up.
///
/// # Errors
/// The name has no address, nobody answers, or time is up.
pub async fn connect(to: &Target, common: &Common) -> Result<Stream> {
    let limit = common.dial_timeout;
    let socket = tokio::time::timeout(limit, dial(to, common))
        .await
        .map_err(|_elapsed| TransportError::Timeout {
            what: format!("dial tcp {to}: no answer"),
            after: limit,
        })??;
    let peer = Peer::new(socket.peer_addr()?, socket.local_addr()?, Tcp::NAME);
    Ok(Stream::tcp(socket, peer))
}

async fn dial(to: &Target, common: &Common) -> Result<TcpStream> {
    let mut addrs = resolve(&to.host, to.port).await?;
    if let Some(ip) = common.bind_ip {
        addrs.retain(|a| a.is_ipv4() == ip.is_ipv4());
    }
    match race(addrs, *common).await {
        Some(Ok(socket)) => Ok(socket),
        Some(Err(err)) => Err(error::dial(to, err)),
        None => Err(no_address(&to.host)),
    }
}

/// The first address that answers; otherwise the error of the first that failed.
async fn race(addrs: Vec<SocketAddr>, common: Common) -> Option<io::Result<TcpStream>> {
    let mut rest = addrs.into_iter();
    let mut running = JoinSet::new();
    let mut failed = None;
    loop {
        if let Some(addr) = rest.next() {
            running.spawn(socket::connect(addr, common.bind_ip, common.keepalive));
        } else if running.is_empty() {
            return failed.map(Err);
        }
        let patience = if rest.len() == 0 {
            Duration::MAX
        } else {
            HEAD_START
        };
        match tokio::time::timeout(patience, running.join_next()).await {
            Ok(Some(Ok(Ok(socket)))) => return Some(Ok(socket)),
            Ok(Some(Ok(Err(err)))) => failed = failed.or(Some(err)),
            Ok(Some(Err(err))) => failed = failed.or_else(|| Some(io::Error::other(err))),
            Ok(None) | Err(_) => {}
        }
    }
}

/// Dials with the options of a transport.
#[derive(Clone, Copy, Debug)]
pub struct TcpConnector {
    common: Common,
}

impl TcpConnector {
    /// A connector with these options.
    #[must_use]
    pub const fn new(common: Common) -> Self {
        Self { common }
    }
}

impl Connector for TcpConnector {
    async fn connect(&self, to: &Target) -> Result<Link> {
        Ok(Link::Pipe(connect(to, &self.common).await?))
    }
}
