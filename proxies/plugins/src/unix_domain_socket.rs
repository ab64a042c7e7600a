//! `unix_domain_socket`: the service is a Unix socket of the client's machine.

use std::path::Path;

use culvert_io::{Relaying, Scope, relay};
use culvert_proxy::{BoxFuture, ClientProxy, ProxyError, Work};
use tracing::Instrument;

use crate::{Greeting, service::Service};

/// The plugin.
#[derive(Debug)]
pub(crate) struct UnixDomainSocket {
    service: Service,
    greeting: Greeting,
}

impl UnixDomainSocket {
    /// The plugin for the socket at `path`.
    pub(crate) fn new(path: &Path, greeting: Greeting) -> Self {
        Self {
            service: Service::unix(path),
            greeting,
        }
    }
}

impl ClientProxy for UnixDomainSocket {
    fn serve<'a>(&'a self, work: Work, scope: &'a Scope) -> BoxFuture<'a, Result<(), ProxyError>> {
        let serve = async move {
            let header = self.greeting.header(&work.start);
            let header = header.map_err(|err| ProxyError::io("proxy protocol header", err))?;
            let local = self.service.greet(&header).await?;
            let done = relay(work.stream, local, &Relaying::default()).await;
            tracing::debug!("work connection done: {:?}", done.end);
            Ok(())
        };
        Box::pin(serve.instrument(scope.span().clone()))
    }
}
