//! The client's half of every kind that carries byte streams to a local service: tcp, http, https.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use culvert_conf::ProxyProtocol;
use culvert_io::{Peer, Relaying, Scope, Stream, relay};
use culvert_proxy::{BoxFuture, ClientProxy, ProxyError, Work};
use culvert_wire::msg::StartWorkConn;
use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};
use tracing::Instrument;

use crate::{
    addr::join_host_port,
    proxy_protocol::{Carried, header},
};

/// How long the local service may take to accept (protocol 5.1).
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// A TCP service of the client's network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalTcp {
    host: String,
    port: u16,
    proxy_protocol: Option<ProxyProtocol>,
}

impl LocalTcp {
    /// The service at `host`, a name or an address, and `port`. With `proxy_protocol` it is told
    /// who its user is.
    #[must_use]
    pub const fn new(host: String, port: u16, proxy_protocol: Option<ProxyProtocol>) -> Self {
        Self {
            host,
            port,
            proxy_protocol,
        }
    }

    async fn dial(&self, start: &StartWorkConn) -> Result<Stream, ProxyError> {
        let failed = |source| ProxyError::Local {
            target: join_host_port(&self.host, self.port),
            source,
        };
        let dial = async {
            let mut socket = TcpStream::connect((self.host.as_str(), self.port)).await?;
            socket.set_nodelay(true)?;
            if let Some(header) = self.header(start)? {
                socket.write_all(&header).await?;
            }
            let peer = Peer::new(socket.peer_addr()?, socket.local_addr()?, "tcp");
            Ok(Stream::tcp(socket, peer))
        };
        let late = |_| {
            let text = format!("no answer within {} s", DIAL_TIMEOUT.as_secs());
            io::Error::new(io::ErrorKind::TimedOut, text)
        };
        timeout(DIAL_TIMEOUT, dial)
            .await
            .map_err(late)
            .flatten()
            .map_err(failed)
    }

    /// The PROXY protocol header, if one is wanted and the server told us the user.
    fn header(&self, start: &StartWorkConn) -> io::Result<Option<Vec<u8>>> {
        self.proxy_protocol
            .map_or(Ok(None), |version| user_header(version, start))
    }
}

/// The PROXY protocol header for a user, if the server told who that is.
///
/// # Errors
/// The server gave something else than addresses.
pub(crate) fn user_header(
    version: ProxyProtocol,
    start: &StartWorkConn,
) -> io::Result<Option<Vec<u8>>> {
    if start.src_addr.is_empty() || start.src_port == 0 {
        return Ok(None);
    }
    let src = SocketAddr::new(address(&start.src_addr)?, start.src_port);
    let dst = match start.dst_addr.as_str() {
        // Nothing is known of it for http (protocol 5.2).
        "" => Ipv4Addr::LOCALHOST.into(),
        text => address(text)?,
    };
    let dst = SocketAddr::new(dst, start.dst_port);
    Ok(Some(header(version, Carried::Stream, src, dst)))
}

/// An address as servers print it, perhaps with the zone of a link-local one.
fn address(text: &str) -> io::Result<IpAddr> {
    let ip = text.split_once('%').map_or(text, |(ip, _zone)| ip);
    ip.parse().map_err(|_| {
        let text = format!("the server gave [{}] as an address", text.escape_debug());
        io::Error::new(io::ErrorKind::InvalidData, text)
    })
}

impl ClientProxy for LocalTcp {
    /// Serves one user to the end. For a service that cannot be reached the error's text is the
    /// line that operators look for; the caller logs it.
    fn serve<'a>(&'a self, work: Work, scope: &'a Scope) -> BoxFuture<'a, Result<(), ProxyError>> {
        let serve = async move {
            let local = self.dial(&work.start).await?;
            // Seen from here, the service is at the end of the work connection.
            let done = relay(work.stream, local, &Relaying::default()).await;
            tracing::debug!("work connection done: {done}");
            Ok(())
        };
        Box::pin(serve.instrument(scope.span().clone()))
    }
}
