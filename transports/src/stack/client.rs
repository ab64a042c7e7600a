//! Putting the layers on: from a server's address to a session with it.

use std::{sync::Arc, time::Duration};

use culvert_conf::{ClientConfig, ClientTlsOn, Protocol};
use culvert_io::{Scope, Stream};
use culvert_tls::{FIRST_BYTE, ServerName, Watch};
use culvert_transport::{
    BoxConnector, BoxSession, Common, DynMux, Link, Options, ProxyUrl, Result, Target, TlsOptions,
    TransportError, Transports,
};
use tokio::{io::AsyncWriteExt, time::Instant};

use super::{failed, identity};
use crate::{Redial, Yamux, find, find::quic_table, standard};

/// Everything between a client's configuration and a session with its server.
#[derive(Debug)]
pub struct ClientStack {
    dialler: Dialler,
    /// The transport's links are sessions; no mux is put on top.
    multiplexed: bool,
    mux: Option<Yamux>,
}

/// Dials and does the handshakes; yields one pipe.
#[derive(Clone, Debug)]
pub(crate) struct Dialler(Arc<Dialling>);

#[derive(Debug)]
struct Dialling {
    connector: BoxConnector,
    target: Target,
    tls: Option<Tls>,
    timeout: Duration,
}

pub(super) struct Tls {
    config: Arc<culvert_tls::ClientConfig>,
    name: ServerName<'static>,
    first_byte: bool,
}

impl ClientStack {
    /// A stack with the transports of the stock programs; see [`with`](Self::with).
    ///
    /// # Errors
    /// As there.
    pub fn new(config: &ClientConfig) -> Result<Self> {
        Self::with(config, &standard())
    }

    /// Reads the certificate files and checks that `transports` has the one that the file names.
    /// Does no network I/O. Warns once when the server will not be verified.
    ///
    /// # Errors
    /// A file cannot be used, this build does not have the transport, or `transport.proxyURL`
    /// cannot be read.
    pub fn with(config: &ClientConfig, transports: &Transports) -> Result<Self> {
        let transport = &config.transport;
        let common = Common::default()
            .with_dial_timeout(transport.dial_timeout)
            .with_keepalive(transport.dial_keepalive)
            .with_bind_ip(transport.connect_local_ip)
            .with_mux(transport.tcp_mux.is_some());
        let on = transport.tls.enabled.as_ref();
        let proxy = transport.proxy_url.as_ref();
        let options = Options::new(common)
            .with_tls(on.map(tls_options).unwrap_or_default())
            .with_proxy(proxy.map(|url| ProxyUrl::new(url.expose().to_owned())))
            .with_dns(config.dns_server.clone())
            .with_table(match transport.protocol {
                Protocol::Quic => quic_table(&transport.quic),
                _ => transport.own.expose().clone(),
            });
        let chosen = find(transports, transport.protocol.as_str())?;
        let connector = chosen.connector(&options)?;
        // Those that encrypt by themselves got the settings above.
        let tls = on.filter(|_| !chosen.traits().encrypted);
        let dialling = Dialling {
            connector,
            target: Target::new(&config.server_addr, config.server_port),
            tls: tls
                .map(|on| Tls::new(on, &config.server_addr))
                .transpose()?,
            timeout: transport.dial_timeout,
        };
        Ok(Self {
            dialler: Dialler(Arc::new(dialling)),
            multiplexed: chosen.traits().multiplexed,
            mux: transport
                .tcp_mux
                .map(|mux| Yamux::new(mux.keepalive_interval)),
        })
    }

    /// Connects to the server. With a mux, or a transport with streams of its own, that is one
    /// connection; a mux's driver lives in `scope`;
    /// without one, nothing is dialled before the first stream is opened.
    ///
    /// *Cancel safety*: safe; the attempt is given up.
    ///
    /// # Errors
    /// The server cannot be reached, or a layer fails.
    pub async fn connect(&self, scope: &Scope) -> Result<BoxSession> {
        if self.multiplexed {
            return self.dialler.session().await;
        }
        match &self.mux {
            Some(mux) => DynMux::client(mux, self.dialler.dial().await?, scope),
            None => Ok(Arc::new(Redial::new(self.dialler.clone()))),
        }
    }
}

impl ClientStack {
    /// Ends what the transport keeps running between dials, such as a program.
    ///
    /// *Cancel safety*: what was to end, ends when the stack is dropped.
    pub async fn close(&self) {
        self.dialler.0.connector.close().await;
    }
}

impl Dialler {
    /// A session of a transport that is multiplexed.
    async fn session(&self) -> Result<BoxSession> {
        match self.0.connector.connect(&self.0.target).await? {
            Link::Session(session) => Ok(session),
            other => Err(TransportError::Internal(format!("unexpected {other:?}"))),
        }
    }

    /// One pipe to the server, behind TLS if that is on. The handshake has as much time as the
    /// dial.
    pub(crate) async fn dial(&self) -> Result<Stream> {
        let Dialling {
            connector,
            target,
            tls,
            timeout,
        } = &*self.0;
        // Transports with sessions of their own do not come here.
        let Link::Pipe(stream) = connector.connect(target).await? else {
            return Err(TransportError::Internal("unexpected session".to_owned()));
        };
        let Some(tls) = tls else {
            return Ok(stream);
        };
        tokio::time::timeout_at(Instant::now() + *timeout, tls.wrap(stream))
            .await
            .map_err(|_elapsed| TransportError::Timeout {
                what: format!("tls handshake with {target}"),
                after: *timeout,
            })?
    }
}

/// The same settings, for transports that encrypt by themselves.
fn tls_options(on: &ClientTlsOn) -> TlsOptions {
    let identity = on.identity.as_ref();
    TlsOptions::new(
        identity.map(|files| (files.cert.clone(), files.key.clone())),
        on.trusted_ca.clone(),
        on.server_name.clone(),
    )
}

impl Tls {
    fn new(on: &ClientTlsOn, server_addr: &str) -> Result<Self> {
        let own = on.identity.as_ref().map(identity);
        let config = culvert_tls::client_config(own.as_ref(), on.trusted_ca.as_deref());
        Self::with(config.map_err(failed)?, on, server_addr)
    }

    /// The same, which keeps what the server shows.
    pub(super) fn watched(on: &ClientTlsOn, server_addr: &str) -> Result<(Self, Watch)> {
        let own = on.identity.as_ref().map(identity);
        let config = culvert_tls::client_config_watched(own.as_ref(), on.trusted_ca.as_deref());
        let (config, watch) = config.map_err(failed)?;
        Ok((Self::with(config, on, server_addr)?, watch))
    }

    fn with(
        config: Arc<culvert_tls::ClientConfig>,
        on: &ClientTlsOn,
        server_addr: &str,
    ) -> Result<Self> {
        let name = on.server_name.as_deref().unwrap_or(server_addr);
        Ok(Self {
            config,
            name: culvert_tls::server_name(name, on.trusted_ca.is_some()).map_err(failed)?,
            first_byte: on.custom_first_byte,
        })
    }

    pub(super) async fn wrap(&self, mut stream: Stream) -> Result<Stream> {
        if self.first_byte {
            // Its own write: upstream's server reads one byte first (protocol 2.2).
            stream.write_all(&[FIRST_BYTE]).await?;
            stream.flush().await?;
        }
        culvert_tls::connect(stream, &self.config, self.name.clone())
            .await
            .map_err(failed)
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls")
            .field("name", &self.name)
            .field("first_byte", &self.first_byte)
            .finish_non_exhaustive()
    }
}
