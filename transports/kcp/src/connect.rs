//! Dialling: a socket, a number, and no handshake. Whether anybody is there shows later.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use culvert_io::{Peer, Scope, Stream};
use culvert_tcp::Resolver;
use culvert_transport::{Common, Connector, Link, Result, Target, Transport, TransportError};
use tokio::{net::UdpSocket, runtime::Handle};

use crate::{
    KcpTransport, Parameters, error,
    session::{Session, receive},
    socket,
    stream::KcpStream,
};

/// A stream to `to` over a socket that nothing else uses, with this conversation number: 1 in an
/// xtcp tunnel, at both ends (protocol 2.4). Must be called on the runtime that will serve it.
///
/// # Errors
/// The socket has no address.
pub fn attach(
    socket: UdpSocket,
    to: SocketAddr,
    conv: u32,
    parameters: &Parameters,
) -> io::Result<Stream> {
    let peer = Peer::new(to, socket.local_addr()?, KcpTransport::NAME);
    let socket = Arc::new(socket);
    let session = Session::new(conv, parameters, Arc::clone(&socket), to, None);
    let scope = Scope::root(Handle::current());
    scope.spawn(Arc::clone(&session).run());
    scope.spawn(listen_to_peer(socket, Arc::clone(&session)));
    Ok(Stream::new(KcpStream::new(session), peer))
}

/// Feeds a session from its socket until it is over. Only the first address that speaks for the
/// conversation is heard (protocol 2.4).
async fn listen_to_peer(socket: Arc<UdpSocket>, session: Arc<Session>) {
    let mut known = None;
    loop {
        let batch = receive(&socket, |datagram, from| {
            if known.is_some_and(|known| known != from) {
                return;
            }
            if session.deliver(datagram) && known.is_none() {
                known = Some(from);
                session.redirect(from);
            }
        });
        tokio::select! {
            received = batch => {
                if let Err(err) = received {
                    return tracing::warn!("a kcp socket failed: {err}");
                }
                session.settle();
            }
            () = session.over() => return,
        }
    }
}

/// Dials with the options of a transport.
#[derive(Clone, Debug)]
pub struct KcpConnector {
    common: Common,
    resolver: Resolver,
    parameters: Parameters,
}

impl KcpConnector {
    pub(crate) const fn new(common: Common, resolver: Resolver, parameters: Parameters) -> Self {
        Self {
            common,
            resolver,
            parameters,
        }
    }

    async fn dial(&self, to: &Target) -> Result<Stream> {
        let mut addrs = self.resolver.resolve(&to.host, to.port).await?;
        if let Some(ip) = self.common.bind_ip {
            addrs.retain(|a| a.is_ipv4() == ip.is_ipv4());
        }
        // Nobody answers a dial, so that there is nothing to choose by; Go prefers IPv4 here.
        let addr = addrs.iter().find(|a| a.is_ipv4()).or_else(|| addrs.first());
        let addr = *addr.ok_or_else(|| {
            let source = io::Error::from(io::ErrorKind::AddrNotAvailable);
            error::dial(to, source)
        })?;
        let any = match addr {
            SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
        };
        let from = SocketAddr::new(self.common.bind_ip.unwrap_or(any), 0);
        let socket = socket::bind(from).map_err(|err| error::dial(to, err))?;
        let mut conv = [0; 4];
        getrandom::fill(&mut conv)
            .map_err(|err| TransportError::Internal(format!("no random numbers: {err}")))?;
        attach(socket, addr, u32::from_le_bytes(conv), &self.parameters)
            .map_err(|err| error::dial(to, err))
    }
}

impl Connector for KcpConnector {
    async fn connect(&self, to: &Target) -> Result<Link> {
        let limit = self.common.dial_timeout;
        tokio::time::timeout(limit, self.dial(to))
            .await
            .map_err(|_elapsed| TransportError::Timeout {
                what: format!("dial kcp {to}: looking the name up"),
                after: limit,
            })?
            .map(Link::Pipe)
    }
}
