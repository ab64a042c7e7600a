//! The client's half of every kind that carries byte streams to a local service: tcp, http, https.

use std::io;

use culvert_conf::ProxyProtocol;
use culvert_io::{Relaying, Scope, Stream, relay};
use culvert_proxy::{BoxFuture, ClientProxy, ProxyError, Work, dial_local};
use culvert_wire::msg::StartWorkConn;
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tracing::Instrument;

use crate::{addr::join_host_port, proxy_protocol::user_header};

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
        let dial = async {
            let socket = TcpStream::connect((self.host.as_str(), self.port)).await?;
            let addr = socket.peer_addr()?;
            let mut stream = Stream::connected(socket, addr)?;
            if let Some(header) = self.header(start)? {
                stream.write_all(&header).await?;
            }
            Ok(stream)
        };
        dial_local(|| join_host_port(&self.host, self.port), dial).await
    }

    /// The PROXY protocol header, if one is wanted and the server told us the user.
    fn header(&self, start: &StartWorkConn) -> io::Result<Option<Vec<u8>>> {
        self.proxy_protocol
            .map_or(Ok(None), |version| user_header(version, start))
    }
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
