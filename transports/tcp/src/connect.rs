//! Dialling: every address of a name in turn, the next one a moment after the one before.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use culvert_io::{Peer, Stream, socket};
use culvert_transport::{
    Common, Connector, Link, Options, Result, Target, Transport, TransportError,
};
use tokio::{net::TcpStream, task::JoinSet};

use crate::{Proxy, ProxyError, Resolver, Tcp, error, resolve::no_address};

/// How long one address may be silent before the next is tried as well (RFC 8305, section 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// Dials `to` within the dial timeout of `common`; names are asked from the system.
///
/// *Cancel safety*: safe; the attempts are given up.
///
/// # Errors
/// The name has no address, nobody answers, or time is up.
pub async fn connect(to: &Target, common: &Common) -> Result<Stream> {
    TcpConnector::new(*common).dial(to).await
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
#[derive(Clone, Debug)]
pub struct TcpConnector {
    common: Common,
    resolver: Resolver,
    proxy: Option<Arc<Proxy>>,
}

impl TcpConnector {
    /// A connector without a proxy that asks names from the system.
    #[must_use]
    pub fn new(common: Common) -> Self {
        Self {
            common,
            resolver: Resolver::default(),
            proxy: None,
        }
    }

    /// A connector with all that concerns TCP: times, addresses, proxy, name server.
    ///
    /// # Errors
    /// The address of the proxy cannot be read, or the system has nothing to verify it with.
    pub fn from_options(opts: &Options) -> Result<Self> {
        let proxy = opts.proxy.as_ref().map(Proxy::new).transpose()?;
        Ok(Self {
            common: opts.common,
            resolver: Resolver::new(opts.dns.as_deref()),
            proxy: proxy.map(Arc::new),
        })
    }

    /// Dials `to`, through the proxy if there is one, within the dial timeout.
    ///
    /// *Cancel safety*: safe; the attempts are given up.
    ///
    /// # Errors
    /// The name has no address, nobody answers, the proxy refuses, or time is up.
    pub async fn dial(&self, to: &Target) -> Result<Stream> {
        let limit = self.common.dial_timeout;
        match tokio::time::timeout(limit, self.attempt(to)).await {
            Ok(done) => done,
            Err(_elapsed) => Err(TransportError::Timeout {
                what: match &self.proxy {
                    Some(proxy) => format!("dial tcp {to}: no answer through the proxy {proxy}"),
                    None => format!("dial tcp {to}: no answer"),
                },
                after: limit,
            }),
        }
    }

    async fn attempt(&self, to: &Target) -> Result<Stream> {
        let Some(proxy) = &self.proxy else {
            return self.direct(to).await;
        };
        let stream = self
            .direct(proxy.target())
            .await
            .map_err(|err| proxy.failed(ProxyError::Dial(Box::new(err))))?;
        proxy
            .open(stream, to)
            .await
            .map_err(|err| proxy.failed(err))
    }

    async fn direct(&self, to: &Target) -> Result<Stream> {
        let mut addrs = self.resolver.resolve(&to.host, to.port).await?;
        if let Some(ip) = self.common.bind_ip {
            addrs.retain(|a| a.is_ipv4() == ip.is_ipv4());
        }
        let socket = match race(addrs, self.common).await {
            Some(Ok(socket)) => socket,
            Some(Err(err)) => return Err(error::dial(to, err)),
            None => return Err(no_address(&to.host)),
        };
        if self.common.muxed {
            socket::hold_back(&socket);
        }
        let peer = Peer::new(socket.peer_addr()?, socket.local_addr()?, Tcp::NAME);
        Ok(Stream::tcp(socket, peer))
    }
}

impl Connector for TcpConnector {
    async fn connect(&self, to: &Target) -> Result<Link> {
        Ok(Link::Pipe(self.dial(to).await?))
    }
}
