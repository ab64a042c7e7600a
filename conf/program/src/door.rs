//! The listener of a dashboard or an admin API, with or without TLS.

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use culvert_conf::WebServer;
pub use culvert_dashboard::Product;
use culvert_dashboard::{Assets, with_pages};
use culvert_http::web::{Site, serve};
use culvert_io::{Peer, Scope, Stream, socket};
use culvert_tls::IdentityFiles;
use culvert_transport::{AcceptBackoff, Target, TransportError, report};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

/// Browsers and scripts that may be connected at a time. Each costs a socket and at most about
/// 100 kB; a browser opens six.
const CONNECTIONS: usize = 256;
/// How long a TLS handshake may take: upstream's read timeout of a request, which it is part of.
const HANDSHAKE: Duration = Duration::from_secs(60);

/// Why the web server cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DoorError {
    /// Its port cannot be opened; upstream says it without further words.
    #[error("{}", report(.0))]
    Listen(TransportError),
    /// Its certificate or key cannot be used.
    #[error("webServer.tls: {}", report(.0))]
    Tls(culvert_tls::TlsError),
    /// The folder of pages cannot be read.
    #[error("webServer.assetsDir: cannot open {}: {source}", path.display())]
    Assets {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// An open port for a web server.
#[derive(Debug)]
pub struct Door {
    /// What is behind it, as log lines say it.
    name: &'static str,
    listener: TcpListener,
    tls: Option<Arc<culvert_tls::ServerConfig>>,
    web: WebServer,
    assets: Assets,
}

impl Door {
    /// Opens the port for the web server of `product`, if there is to be one.
    ///
    /// *Cancel safety*: nothing is opened.
    ///
    /// # Errors
    /// The port is taken, or the files of its identity cannot be used.
    pub async fn bind(
        product: Product,
        web: Option<&WebServer>,
    ) -> Result<Option<Self>, DoorError> {
        let Some(web) = web else {
            return Ok(None);
        };
        let name = match product {
            Product::Frps => "dashboard",
            Product::Frpc => "admin server",
        };
        let folder = web.assets_dir.as_deref();
        let assets = Assets::open(product, folder).map_err(|source| DoorError::Assets {
            path: web.assets_dir.clone().unwrap_or_default(),
            source,
        })?;
        let tls = match &web.tls {
            Some(files) => {
                let files = IdentityFiles {
                    cert: files.cert.clone(),
                    key: files.key.clone(),
                };
                let config = culvert_tls::server_config(Some(&files), None);
                Some(config.map_err(DoorError::Tls)?)
            }
            None => None,
        };
        let port = u16::from(web.port);
        let listener = culvert_tcp::listen(&web.addr, port)
            .await
            .map_err(DoorError::Listen)?;
        tracing::info!("{name} listen on {}", Target::new(&web.addr, port));
        Ok(Some(Self {
            name,
            listener,
            tls,
            web: web.clone(),
            assets,
        }))
    }

    /// What the configuration says about this port.
    #[must_use]
    pub const fn web(&self) -> &WebServer {
        &self.web
    }

    /// Serves `site` and the pages until dropped; connections live in `scope`.
    ///
    /// *Cancel safety*: the port is closed; connections go on.
    pub async fn accept(self, site: Site, scope: Scope) {
        let site = Arc::new(with_pages(site, self.assets));
        let mut backoff = AcceptBackoff::new(format!("the port of the {}", self.name));
        let (name, seats) = (self.name, Arc::new(Semaphore::new(CONNECTIONS)));
        loop {
            let (socket, addr) = backoff.next_socket(&self.listener).await;
            let Ok(seat) = Arc::clone(&seats).try_acquire_owned() else {
                tracing::debug!("too many connections to the {name}, closing [{addr}]");
                continue;
            };
            let (site, tls, tasks) = (Arc::clone(&site), self.tls.clone(), scope.clone());
            scope.spawn_graceful(|_stop| async move {
                match open(socket, addr, tls).await {
                    Ok(stream) => serve(site, stream, &tasks).await,
                    Err(err) => {
                        tracing::debug!("connection of [{addr}] refused: {}", report(&err));
                    }
                }
                drop(seat);
            });
        }
    }
}

/// Makes a stream of an accepted socket.
async fn open(
    socket: TcpStream,
    addr: SocketAddr,
    tls: Option<Arc<culvert_tls::ServerConfig>>,
) -> io::Result<Stream> {
    socket::tune(&socket, None)?;
    let peer = Peer::new(addr, socket.local_addr()?, "tcp");
    let stream = Stream::tcp(socket, peer);
    let Some(tls) = tls else {
        return Ok(stream);
    };
    tokio::time::timeout(HANDSHAKE, culvert_tls::accept(stream, &tls))
        .await?
        .map_err(io::Error::other)
}
