//! The services that plugins pass requests and bytes on to.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use culvert_http::Dial;
use culvert_io::{Stream, dial_unix};
use culvert_proxy::{BoxFuture, ProxyError, dial_local};
use culvert_tls::{ClientConfig, client_config_unverified, server_name};
use tokio::{io::AsyncWriteExt, net::TcpStream};

/// A service of the client's network.
#[derive(Debug)]
pub(crate) struct Service {
    target: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Tcp,
    Tls(Arc<ClientConfig>),
    Unix(PathBuf),
}

impl Service {
    /// The service at `local_addr`, `host:port`; without a port it is `port`.
    pub(crate) fn plain(local_addr: &str, port: u16) -> Self {
        Self {
            target: with_port(local_addr, port),
            kind: Kind::Tcp,
        }
    }

    /// The same over TLS, whoever answers (protocol 5.10).
    ///
    /// # Errors
    /// A bug of the TLS settings.
    pub(crate) fn tls(local_addr: &str, port: u16) -> Result<Self, ProxyError> {
        let config = client_config_unverified().map_err(|err| {
            tracing::error!("tls settings: {err}");
            ProxyError::Internal("tls settings")
        })?;
        Ok(Self {
            target: with_port(local_addr, port),
            kind: Kind::Tls(config),
        })
    }

    /// The Unix socket at `path`.
    pub(crate) fn unix(path: &Path) -> Self {
        Self {
            target: path.display().to_string(),
            kind: Kind::Unix(path.to_owned()),
        }
    }

    async fn open(&self, header: &[u8]) -> io::Result<Stream> {
        let mut stream = match &self.kind {
            Kind::Tcp | Kind::Tls(_) => tcp(&self.target).await?,
            Kind::Unix(path) => dial_unix(path).await?,
        };
        if !header.is_empty() {
            stream.write_all(header).await?;
            stream.flush().await?;
        }
        let Kind::Tls(config) = &self.kind else {
            return Ok(stream);
        };
        let host = self.target.rsplit_once(':').map_or("", |(host, _)| host);
        let name = server_name(host, false).map_err(io::Error::other)?;
        culvert_tls::connect(stream, config, name)
            .await
            .map_err(io::Error::other)
    }

    /// A connection that begins with `header`.
    ///
    /// *Cancel safety*: the connection is closed.
    ///
    /// # Errors
    /// The service does not accept, or not in time.
    pub(crate) async fn greet(&self, header: &[u8]) -> Result<Stream, ProxyError> {
        dial_local(|| self.target.clone(), Box::pin(self.open(header))).await
    }
}

impl Dial for Service {
    fn dial(&self) -> BoxFuture<'_, Result<Stream, ProxyError>> {
        Box::pin(self.greet(&[]))
    }
}

async fn tcp(target: &str) -> io::Result<Stream> {
    let socket = TcpStream::connect(target).await?;
    let addr = socket.peer_addr()?;
    Stream::connected(socket, addr)
}

/// `addr` as something to dial: Go's client adds the port of the scheme, and takes no host as
/// this machine.
fn with_port(addr: &str, port: u16) -> String {
    let host_end = addr.rfind(']').map_or(0, |end| end + 1);
    let named = addr.get(host_end..).is_some_and(|rest| rest.contains(':'));
    if named && addr.starts_with(':') {
        format!("localhost{addr}")
    } else if named {
        addr.to_owned()
    } else {
        format!("{addr}:{port}")
    }
}

#[cfg(test)]
mod tests {
    use super::with_port;

    #[test]
    fn a_port_is_added_when_there_is_none() {
        for (addr, dialled) in [
            ("web:8080", "web:8080"),
            ("web", "web:80"),
            (":8080", "localhost:8080"),
            ("[::1]", "[::1]:80"),
            ("[::1]:81", "[::1]:81"),
        ] {
            assert_eq!(with_port(addr, 80), dialled);
        }
    }
}
