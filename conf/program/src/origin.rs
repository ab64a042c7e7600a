//! Web servers that we ask: whom to believe there, and through which proxy to go.

pub(crate) mod environment;

use std::{error::Error, fmt, io, path::Path, sync::Arc};

use culvert_conf::Secret;
use culvert_http::{Dial, Endpoint, Limits, Outbound, UrlError};
use culvert_io::{Scope, Stream};
use culvert_proxy::{BoxFuture, ProxyError};
use culvert_tcp::TcpConnector;
use culvert_tls::{ClientConfig, ServerName, TlsError};
use culvert_transport::{Common, Options, ProxyUrl, Target, TransportError, report};

/// How an https server is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust<'a> {
    /// By the authorities of the system.
    System,
    /// By the authority in this PEM file alone.
    Authority(&'a Path),
    /// Not at all.
    Nobody,
}

/// How a web server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through<'a> {
    /// Directly.
    Nobody,
    /// Through this proxy: http, https, socks5 or socks5h.
    Proxy(&'a Secret),
    /// Through the proxy that the environment names, if there is one (`HTTPS_PROXY`, `HTTP_PROXY`,
    /// `NO_PROXY`).
    Environment,
}

/// Why a web server cannot be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OriginError {
    /// Policy: the address is none.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// World: there is nothing to verify the server with.
    #[error("{}", report(.0))]
    Tls(#[from] TlsError),
    /// Policy: the proxy's address is none.
    #[error("{}", report(.0))]
    Proxy(#[from] TransportError),
}

/// One web server and the way to it.
struct Origin {
    target: Target,
    connector: TcpConnector,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

/// A client of the server at `url`. Its connections live in `scope`. Nothing is dialled yet.
///
/// # Errors
/// An address is none, or a file cannot be used.
pub fn outbound(
    url: &str,
    trust: Trust<'_>,
    through: Through<'_>,
    limits: Limits,
    scope: &Scope,
) -> Result<Outbound, OriginError> {
    let endpoint = Endpoint::parse(url)?;
    let tls = if endpoint.https {
        let config = match trust {
            Trust::System => culvert_tls::client_config_of_system()?,
            Trust::Authority(file) => culvert_tls::client_config(None, Some(file))?,
            Trust::Nobody => culvert_tls::client_config_unverified()?,
        };
        let verified = trust != Trust::Nobody;
        Some((config, culvert_tls::server_name(&endpoint.host, verified)?))
    } else {
        None
    };
    let common = Common::default().with_dial_timeout(limits.time);
    let proxy = match through {
        Through::Nobody => None,
        Through::Proxy(proxy) => Some(proxy.clone()),
        Through::Environment => environment::proxy(&endpoint, |name| std::env::var(name).ok()),
    };
    let options = Options::new(common).with_proxy(proxy.as_ref().map(proxy_url));
    let origin = Origin {
        target: Target::new(&endpoint.host, endpoint.port),
        connector: TcpConnector::from_options(&options)?,
        tls,
    };
    Ok(Outbound::new(endpoint, Arc::new(origin), limits, scope))
}

/// Names are always left to a SOCKS5 proxy, so the two schemes mean the same.
fn proxy_url(url: &Secret) -> ProxyUrl {
    let url = url.expose();
    ProxyUrl::new(match url.strip_prefix("socks5h://") {
        Some(rest) => format!("socks5://{rest}"),
        None => url.to_owned(),
    })
}

impl Dial for Origin {
    fn dial(&self) -> BoxFuture<'_, Result<Stream, ProxyError>> {
        Box::pin(async {
            let dialled = self.connector.dial(&self.target).await;
            let stream = dialled.map_err(|err| unreached(&self.target, &err))?;
            let Some((config, name)) = &self.tls else {
                return Ok(stream);
            };
            culvert_tls::connect(stream, config, name.clone())
                .await
                .map_err(|err| {
                    ProxyError::Peer(format!("tls with {}: {}", self.target, report(&err)))
                })
        })
    }
}

/// Why a server was not reached. Where nobody listens, the words are those that operators of
/// upstream know.
fn unreached(target: &Target, err: &TransportError) -> ProxyError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(err);
    while let Some(found) = cause {
        let system = found.downcast_ref::<io::Error>().map(io::Error::kind);
        if system == Some(io::ErrorKind::ConnectionRefused) {
            let context = format!("dial tcp {target}: connect");
            return ProxyError::io(context, io::ErrorKind::ConnectionRefused.into());
        }
        cause = found.source();
    }
    ProxyError::Peer(report(err))
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Origin")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}
