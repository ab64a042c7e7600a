//! websocket and wss as two of the transports.

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use culvert_io::Stream;
use culvert_tcp::{Tcp, TcpAcceptor, TcpConnector};
use culvert_tls::{IdentityFiles, ServerName, TlsError};
use culvert_transport::{
    BoxFuture, Connector, Link, Listener, Options, Result, Target, TlsOptions, Traits, Transport,
    TransportError,
};

use crate::{WebsocketError, accept, connect};

/// Websocket over TCP, `transport.protocol = "websocket"`. TLS runs inside the frames.
#[derive(Clone, Copy, Debug, Default)]
pub struct Websocket;

/// Websocket over TLS, `transport.protocol = "wss"`. Nothing runs inside but the mux.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wss;

/// How long a client that we accepted may take for its handshakes, as for its first message
/// (protocol 1.1).
const STRANGER: Duration = Duration::from_secs(10);

impl Transport for Websocket {
    type Connector = WebsocketConnector;
    type Listener = WebsocketAcceptor;

    const NAME: &'static str = "websocket";
    const TRAITS: Traits = Traits::PIPE;

    fn connector(&self, opts: &Options) -> Result<WebsocketConnector> {
        Ok(WebsocketConnector {
            tcp: Tcp.connector(opts)?,
            timeout: opts.common.dial_timeout,
        })
    }

    async fn bind(&self, at: SocketAddr, opts: &Options) -> Result<WebsocketAcceptor> {
        Ok(WebsocketAcceptor(Tcp.bind(at, opts).await?))
    }
}

impl Transport for Wss {
    type Connector = WssConnector;
    type Listener = WssAcceptor;

    const NAME: &'static str = "wss";
    const TRAITS: Traits = Traits::ENCRYPTED_PIPE;

    fn connector(&self, opts: &Options) -> Result<WssConnector> {
        let TlsOptions {
            trusted_ca,
            server_name,
            ..
        } = &opts.tls;
        let own = identity(&opts.tls);
        let config = culvert_tls::client_config(own.as_ref(), trusted_ca.as_deref());
        Ok(WssConnector {
            tcp: Tcp.connector(opts)?,
            timeout: opts.common.dial_timeout,
            tls: config.map_err(tls_failed)?,
            verified: trusted_ca.is_some(),
            name: server_name.clone(),
        })
    }

    async fn bind(&self, at: SocketAddr, opts: &Options) -> Result<WssAcceptor> {
        let own = identity(&opts.tls);
        let config = culvert_tls::server_config(own.as_ref(), opts.tls.trusted_ca.as_deref());
        Ok(WssAcceptor {
            tcp: Tcp.bind(at, opts).await?,
            tls: config.map_err(tls_failed)?,
        })
    }
}

fn identity(tls: &TlsOptions) -> Option<IdentityFiles> {
    let (cert, key) = tls.identity.clone()?;
    Some(IdentityFiles { cert, key })
}

/// Dials and asks for the tunnel.
#[derive(Clone, Debug)]
pub struct WebsocketConnector {
    tcp: TcpConnector,
    timeout: Duration,
}

impl Connector for WebsocketConnector {
    async fn connect(&self, to: &Target) -> Result<Link> {
        let stream = self.tcp.dial(to).await?;
        let what = || format!("websocket handshake with {to}");
        let upgraded = async { connect(stream, &to.to_string()).await.map_err(failed) };
        within(self.timeout, what, upgraded).await.map(Link::Pipe)
    }
}

/// Dials, wraps in TLS and asks for the tunnel.
#[derive(Clone, Debug)]
pub struct WssConnector {
    tcp: TcpConnector,
    timeout: Duration,
    tls: Arc<culvert_tls::ClientConfig>,
    verified: bool,
    name: Option<String>,
}

impl WssConnector {
    fn names(&self, to: &Target) -> Result<(ServerName<'static>, String)> {
        let name = self.name.as_deref().unwrap_or(&to.host);
        let verified = culvert_tls::server_name(name, self.verified).map_err(tls_failed)?;
        let host = if name.contains(':') && !name.starts_with('[') {
            format!("[{name}]")
        } else {
            name.to_owned()
        };
        Ok((verified, host))
    }
}

impl Connector for WssConnector {
    async fn connect(&self, to: &Target) -> Result<Link> {
        let (name, host) = self.names(to)?;
        let stream = self.tcp.dial(to).await?;
        let what = || format!("tls and websocket handshake with {to}");
        let upgraded = async {
            let stream = culvert_tls::connect(stream, &self.tls, name).await;
            connect(stream.map_err(tls_failed)?, &host)
                .await
                .map_err(failed)
        };
        within(self.timeout, what, upgraded).await.map(link)
    }
}

/// Accepts sockets; the handshake is the caller's to run.
#[derive(Debug)]
pub struct WebsocketAcceptor(TcpAcceptor);

impl Listener for WebsocketAcceptor {
    type Handshake = BoxFuture<'static, Result<Link>>;

    async fn accept(&mut self) -> io::Result<(Self::Handshake, SocketAddr)> {
        let (socket, addr) = self.0.accept().await?;
        let work = async move {
            let stream = pipe(socket.await?)?;
            let what = || format!("websocket handshake of {addr}");
            let upgraded = async { accept(stream).await.map_err(failed) };
            within(STRANGER, what, upgraded).await.map(Link::Pipe)
        };
        Ok((Box::pin(work), addr))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// Accepts sockets; the handshakes are the caller's to run.
pub struct WssAcceptor {
    tcp: TcpAcceptor,
    tls: Arc<culvert_tls::ServerConfig>,
}

impl Listener for WssAcceptor {
    type Handshake = BoxFuture<'static, Result<Link>>;

    async fn accept(&mut self) -> io::Result<(Self::Handshake, SocketAddr)> {
        let (socket, addr) = self.tcp.accept().await?;
        let tls = Arc::clone(&self.tls);
        let work = async move {
            let stream = pipe(socket.await?)?;
            let what = || format!("tls and websocket handshake of {addr}");
            let upgraded = async {
                let stream = culvert_tls::accept(stream, &tls).await;
                accept(stream.map_err(tls_failed)?).await.map_err(failed)
            };
            within(STRANGER, what, upgraded).await.map(link)
        };
        Ok((Box::pin(work), addr))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

impl std::fmt::Debug for WssAcceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WssAcceptor")
            .field("tcp", &self.tcp)
            .finish_non_exhaustive()
    }
}

fn link(stream: Stream) -> Link {
    Link::Pipe(stream.named(Wss::NAME))
}

fn pipe(link: Link) -> Result<Stream> {
    match link {
        Link::Pipe(stream) => Ok(stream),
        _ => Err(TransportError::Internal("tcp gave no pipe".to_owned())),
    }
}

async fn within(
    limit: Duration,
    what: impl Fn() -> String,
    work: impl Future<Output = Result<Stream>>,
) -> Result<Stream> {
    tokio::time::timeout(limit, work)
        .await
        .map_err(|_elapsed| TransportError::Timeout {
            what: what(),
            after: limit,
        })?
}

fn failed(err: WebsocketError) -> TransportError {
    TransportError::Layer {
        layer: "websocket",
        source: Box::new(err),
    }
}

fn tls_failed(err: TlsError) -> TransportError {
    TransportError::Layer {
        layer: "tls",
        source: Box::new(err),
    }
}
