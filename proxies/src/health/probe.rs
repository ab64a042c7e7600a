//! One check of a local service: a connection that opens, or a request that is answered with 2xx.

#[cfg_attr(not(feature = "http"), path = "../absent/page.rs")]
mod page;

use std::time::Duration;

use culvert_conf::HealthProbe;
use culvert_io::Scope;
use culvert_proxy::ProxyError;
use tokio::{net::TcpStream, time::timeout};

use crate::addr::join_host_port;
#[cfg(feature = "http")]
pub use page::redirected;
use page::{Page, Unwell};

/// What a check does.
#[derive(Debug)]
pub(super) enum Probe {
    Tcp { host: String, port: u16 },
    Http(Page),
}

/// Why a service counts as gone.
#[derive(Debug, thiserror::Error)]
pub(super) enum Sick {
    #[error("no answer within {0:?}")]
    Late(Duration),
    #[error("dial tcp {at}: {source}")]
    Dial { at: String, source: std::io::Error },
    #[error(transparent)]
    Unwell(#[from] Unwell),
}

impl Probe {
    /// # Errors
    /// Refused when the path or a header cannot be sent.
    pub(super) fn new(probe: &HealthProbe, host: &str, port: u16) -> Result<Self, ProxyError> {
        let HealthProbe::Http { path, headers } = probe else {
            let host = host.to_owned();
            return Ok(Self::Tcp { host, port });
        };
        Ok(Self::Http(Page::new(path, headers, (host, port))?))
    }

    /// Checks once, for at most `limit`. Connections live in a scope inside `scope`.
    ///
    /// *Cancel safety*: the check is broken off.
    pub(super) async fn check(&self, limit: Duration, scope: &Scope) -> Result<(), Sick> {
        match self {
            Self::Tcp { host, port } => {
                let at = || join_host_port(host, *port);
                timeout(limit, TcpStream::connect((host.as_str(), *port)))
                    .await
                    .map_err(|_| Sick::Late(limit))?
                    .map_err(|source| Sick::Dial { at: at(), source })?;
                Ok(())
            }
            Self::Http(page) => Ok(page.check(limit, scope).await?),
        }
    }
}
