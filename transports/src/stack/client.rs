//! Putting the layers on: from a server's address to a session with it.

use std::{sync::Arc, time::Duration};

use culvert_conf::{ClientConfig, ClientTlsOn};
use culvert_io::{Scope, Stream};
use culvert_tls::{FIRST_BYTE, ServerName};
use culvert_transport::{
    BoxConnector, BoxSession, Common, DynMux, Link, Options, Result, Target, TransportError,
};
use tokio::{io::AsyncWriteExt, time::Instant};

use super::{failed, identity};
use crate::{Redial, Yamux, standard};

/// Everything between a client's configuration and a session with its server.
#[derive(Debug)]
pub struct ClientStack {
    dialler: Dialler,
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

struct Tls {
    config: Arc<culvert_tls::ClientConfig>,
    name: ServerName<'static>,
    first_byte: bool,
}

impl ClientStack {
    /// Reads the certificate files and checks that this build has the transport. Does no network
    /// I/O. Warns once when the server will not be verified.
    ///
    /// # Errors
    /// A file cannot be used, or `transport.protocol` or `transport.proxyURL` asks for something
    /// that this build does not have.
    pub fn new(config: &ClientConfig) -> Result<Self> {
        let transport = &config.transport;
        if transport.proxy_url.is_some() {
            let text = "transport.proxyURL is not supported by this build, remove it to connect \
                        to the server directly";
            return Err(TransportError::Refused(text.to_owned()));
        }
        let common = Common::default()
            .with_dial_timeout(transport.dial_timeout)
            .with_keepalive(transport.dial_keepalive)
            .with_bind_ip(transport.connect_local_ip);
        let connector = standard()
            .require(transport.protocol.as_str())?
            .connector(&Options::new(common))?;
        let tls = transport.tls.enabled.as_ref();
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
            mux: transport
                .tcp_mux
                .map(|mux| Yamux::new(mux.keepalive_interval)),
        })
    }

    /// Connects to the server. With a mux that is one connection, whose driver lives in `scope`;
    /// without one, nothing is dialled before the first stream is opened.
    ///
    /// *Cancel safety*: safe; the attempt is given up.
    ///
    /// # Errors
    /// The server cannot be reached, or a layer fails.
    pub async fn connect(&self, scope: &Scope) -> Result<BoxSession> {
        match &self.mux {
            Some(mux) => DynMux::client(mux, self.dialler.dial().await?, scope),
            None => Ok(Arc::new(Redial::new(self.dialler.clone()))),
        }
    }
}

impl Dialler {
    /// One pipe to the server, behind TLS if that is on. The handshake has as much time as the
    /// dial.
    pub(crate) async fn dial(&self) -> Result<Stream> {
        let Dialling {
            connector,
            target,
            tls,
            timeout,
        } = &*self.0;
        // A transport with sessions of its own needs another order of layers than this one.
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

impl Tls {
    fn new(on: &ClientTlsOn, server_addr: &str) -> Result<Self> {
        let own = on.identity.as_ref().map(identity);
        let config =
            culvert_tls::client_config(own.as_ref(), on.trusted_ca.as_deref()).map_err(failed)?;
        let name = on.server_name.as_deref().unwrap_or(server_addr);
        Ok(Self {
            config,
            name: culvert_tls::server_name(name, on.trusted_ca.is_some()).map_err(failed)?,
            first_byte: on.custom_first_byte,
        })
    }

    async fn wrap(&self, mut stream: Stream) -> Result<Stream> {
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
