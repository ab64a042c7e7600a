//! Dialling: every address of a name in turn, the next one a moment after the one before.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use culvert_tcp::Resolver;
use culvert_transport::{Connector, Link, Options, Result, Target, TransportError};
use quinn::{ClientConfig, Endpoint, EndpointConfig};
use tokio::task::JoinSet;

use crate::{
    QuicOptions, QuicSession, error, migrate,
    settings::{self, Limits},
    tasks::Tasks,
};

/// How long one address may be silent before the next is tried as well (RFC 8305, section 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// Dials with the options of a transport.
#[derive(Debug)]
pub struct QuicConnector {
    config: ClientConfig,
    /// `serverName`, if it is not the host that is dialled.
    name: Option<String>,
    verified: bool,
    resolver: Resolver,
    limits: Limits,
    timeout: Duration,
}

/// One attempt at one address.
#[derive(Clone)]
struct Attempt {
    config: ClientConfig,
    name: String,
    limits: Limits,
}

impl QuicConnector {
    /// A connector with these options. Reads the certificate files. Source addresses for dials are
    /// ignored, as upstream does (protocol 2.5).
    ///
    /// # Errors
    /// A file cannot be used, or the transport's own table does not fit.
    pub fn new(opts: &Options) -> Result<Self> {
        let options = opts.parse::<QuicOptions>()?;
        Ok(Self {
            config: settings::client(&options, &opts.tls)?,
            name: opts.tls.server_name.clone(),
            verified: opts.tls.trusted_ca.is_some(),
            resolver: Resolver::new(opts.dns.as_deref()),
            limits: Limits::of(&options),
            timeout: opts.common.dial_timeout,
        })
    }

    /// Offers another protocol than frp's.
    #[cfg(test)]
    pub(crate) fn speak(&mut self, alpn: &[u8]) {
        self.config = settings::client_speaking(
            &QuicOptions::default(),
            &culvert_transport::TlsOptions::default(),
            alpn,
        )
        .unwrap();
    }

    async fn dial(&self, to: &Target) -> Result<QuicSession> {
        let name = self.name.as_deref().unwrap_or(&to.host);
        let name = culvert_tls::server_name(name, self.verified).map_err(error::tls)?;
        let attempt = Attempt {
            config: self.config.clone(),
            name: name.to_str().into_owned(),
            limits: self.limits,
        };
        let mut rest = self.resolver.resolve(&to.host, to.port).await?.into_iter();
        let mut running = JoinSet::new();
        let mut failed = None;
        loop {
            if let Some(addr) = rest.next() {
                running.spawn(attempt.clone().run(addr));
            } else if running.is_empty() {
                let nobody = || TransportError::Internal("no address to dial".to_owned());
                return Err(failed.unwrap_or_else(nobody));
            }
            let patience = if rest.len() == 0 {
                Duration::MAX
            } else {
                HEAD_START
            };
            match tokio::time::timeout(patience, running.join_next()).await {
                Ok(Some(Ok(Ok(session)))) => return Ok(session),
                Ok(Some(Ok(Err(err)))) => failed = failed.or(Some(err)),
                Ok(Some(Err(err))) => {
                    failed = failed.or_else(|| Some(TransportError::Internal(err.to_string())));
                }
                Ok(None) | Err(_) => {}
            }
        }
    }
}

impl Attempt {
    async fn run(self, to: SocketAddr) -> Result<QuicSession> {
        let tasks = Tasks::new();
        let failed = |err| error::dial(&to, err);
        let socket = migrate::socket_to(to).map_err(failed)?;
        let runtime = Arc::new(tasks.clone());
        let endpoint =
            Endpoint::new(EndpointConfig::default(), None, socket, runtime).map_err(failed)?;
        let port = endpoint.local_addr().map_err(failed)?.port();
        let connecting = endpoint
            .connect_with(self.config, to, &self.name)
            .map_err(|err| error::layer("quic", err))?;
        let conn = connecting.await.map_err(|err| error::handshake(&to, err))?;
        Ok(QuicSession::new(conn, port, self.limits, tasks).movable(endpoint))
    }
}

impl Connector for QuicConnector {
    async fn connect(&self, to: &Target) -> Result<Link> {
        let session = tokio::time::timeout(self.timeout, self.dial(to))
            .await
            .map_err(|_elapsed| TransportError::Timeout {
                what: format!(
                    "dial quic {to}: no answer; does the server listen there, and does UDP get \
                     through"
                ),
                after: self.timeout,
            })??;
        Ok(Link::Session(Arc::new(session)))
    }
}
