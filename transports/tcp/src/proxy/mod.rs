//! The proxy that a dial goes through (`transport.proxyURL`, protocol 2.7).

mod http;
mod ntlm;
mod socks5;
mod url;

use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use culvert_io::Stream;
use culvert_tls::{ClientConfig, ServerName};
use culvert_transport::{ProxyUrl, Result, Target, TransportError};

pub use ntlm::NtlmError;

use crate::{ProxyError, ProxyFailed};

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
    Socks5,
    Ntlm,
}

/// A user and a password; never shown.
#[derive(Clone, PartialEq, Eq)]
struct Credentials {
    user: String,
    password: String,
}

/// A proxy, ready to be asked.
pub struct Proxy {
    scheme: Scheme,
    target: Target,
    credentials: Option<Credentials>,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

impl Proxy {
    /// Reads `scheme://[user[:password]@]host[:port]` with http, https, socks5 or ntlm.
    ///
    /// # Errors
    /// The text has another shape; the error does not repeat it, because of the password. Or the
    /// system has no authorities to verify an https proxy with.
    pub fn new(url: &ProxyUrl) -> Result<Self> {
        let url::Parts {
            scheme,
            target,
            credentials,
        } = url::parse(url.expose()).map_err(|problem| {
            TransportError::Refused(format!(
                "transport.proxyURL (or the environment variable http_proxy): {problem}; write it \
                 as scheme://user:password@host:port"
            ))
        })?;
        let mut proxy = Self {
            scheme,
            target,
            credentials,
            tls: None,
        };
        if scheme == Scheme::Https {
            let config = culvert_tls::client_config_of_system();
            proxy = match config.map_err(ProxyError::Tls) {
                Ok(config) => proxy.verified_by(config)?,
                Err(err) => return Err(proxy.failed(err)),
            };
        }
        Ok(proxy)
    }

    /// The same proxy behind TLS with these settings.
    fn verified_by(mut self, config: Arc<ClientConfig>) -> Result<Self> {
        match culvert_tls::server_name(&self.target.host, true) {
            Ok(name) => {
                self.tls = Some((config, name));
                Ok(self)
            }
            Err(err) => Err(self.failed(err.into())),
        }
    }

    /// Where the proxy is.
    pub(crate) const fn target(&self) -> &Target {
        &self.target
    }

    /// An error that names the proxy.
    pub(crate) fn failed(&self, source: ProxyError) -> TransportError {
        TransportError::Layer {
            layer: "proxy",
            source: Box::new(ProxyFailed {
                proxy: self.to_string(),
                source,
            }),
        }
    }

    /// Asks the proxy behind `stream` for a connection to `to`. Give it a deadline.
    ///
    /// *Cancel safety*: the stream is dropped with the future.
    ///
    /// # Errors
    /// It refuses, speaks something else, or goes away.
    pub async fn open(
        &self,
        mut stream: Stream,
        to: &Target,
    ) -> std::result::Result<Stream, ProxyError> {
        if let Some((config, name)) = &self.tls {
            stream = culvert_tls::connect(stream, config, name.clone()).await?;
        }
        let credentials = self.credentials.as_ref();
        match self.scheme {
            Scheme::Http | Scheme::Https => {
                let basic = credentials.map(Credentials::basic);
                http::connect(stream, to, basic.as_deref()).await
            }
            Scheme::Socks5 => socks5::connect(stream, to, credentials).await,
            Scheme::Ntlm => match credentials {
                Some(credentials) => ntlm::connect(stream, to, credentials).await,
                None => http::connect(stream, to, None).await,
            },
        }
    }
}

impl Credentials {
    /// The value of a header for basic authentication (RFC 7617).
    fn basic(&self) -> String {
        let both = format!("{}:{}", self.user, self.password);
        format!("Basic {}", STANDARD.encode(both))
    }
}

impl Scheme {
    const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
            Self::Ntlm => "ntlm",
        }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.name(), self.target)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

#[cfg(test)]
mod tests;
