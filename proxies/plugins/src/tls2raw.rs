//! `tls2raw`: TLS users, a service that gets what is inside.

use std::sync::Arc;

use culvert_conf::IdentityFiles;
use culvert_io::{Relaying, Scope, relay};
use culvert_proxy::{BoxFuture, ClientProxy, ProxyError, Work};
use culvert_tls::ServerConfig;
use tracing::Instrument;

use crate::{
    Greeting,
    front::{settings, shake},
    service::Service,
};

/// The plugin.
#[derive(Debug)]
pub(crate) struct Tls2Raw {
    config: Arc<ServerConfig>,
    service: Service,
    greeting: Greeting,
}

impl Tls2Raw {
    /// The plugin for the service at `local_addr`.
    ///
    /// # Errors
    /// Refused when the certificate cannot be used.
    pub(crate) fn new(
        local_addr: &str,
        identity: Option<&IdentityFiles>,
        greeting: Greeting,
    ) -> Result<Self, ProxyError> {
        Ok(Self {
            config: settings(identity)?,
            service: Service::plain(local_addr, 0),
            greeting,
        })
    }
}

impl ClientProxy for Tls2Raw {
    /// The service is dialled only for a user who has shaken hands.
    fn serve<'a>(&'a self, work: Work, scope: &'a Scope) -> BoxFuture<'a, Result<(), ProxyError>> {
        let serve = async move {
            let header = self.greeting.header(&work.start);
            let header = header.map_err(|err| ProxyError::io("proxy protocol header", err))?;
            let Some((user, _name)) = shake(work.stream, &self.config).await else {
                return Ok(());
            };
            let local = self.service.greet(&header).await?;
            let done = relay(user, local, &Relaying::default()).await;
            tracing::debug!("work connection done: {:?}", done.end);
            Ok(())
        };
        Box::pin(serve.instrument(scope.span().clone()))
    }
}
