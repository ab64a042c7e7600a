//! What the four HTTP-to-HTTP plugins have in common: requests in, changed, and out to a service.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use culvert_conf::{HttpRewrite, HttpsFront};
use culvert_http::{Forwarding, HttpBackend, HttpBridge, HttpRules};
use culvert_io::Scope;
use culvert_proxy::{BoxFuture, ClientProxy, ProxyError, Work};
use culvert_tls::{ServerConfig, with_alpn};
use tracing::Instrument;

use crate::{
    front::{settings, shake},
    service::Service,
};

/// How long a service may take to begin its answer. Upstream waits for ever; an hour outlasts
/// what waits on purpose (long polls), and frees what nobody will ever answer.
const ANSWER: Duration = Duration::from_secs(3600);

/// One of the four plugins.
#[derive(Debug)]
pub(crate) struct Bridge {
    /// The TLS end towards users.
    tls: Option<Arc<ServerConfig>>,
    service: Arc<Service>,
    rules: HttpRules,
    /// Made for the first user, because its connections live in the proxy's scope.
    bridge: OnceLock<HttpBridge>,
}

impl Bridge {
    /// A bridge for users who speak plain HTTP.
    ///
    /// # Errors
    /// Refused when a header to set can be none.
    pub(crate) fn plain(
        rewrite: &HttpRewrite,
        forwarding: Forwarding,
        service: Service,
    ) -> Result<Self, ProxyError> {
        let rules = HttpRules::new(&rewrite.request_headers, &Default::default())?
            .with_host_rewrite(&rewrite.host_header_rewrite)?
            .for_bridge(forwarding);
        Ok(Self {
            tls: None,
            service: Arc::new(service),
            rules,
            bridge: OnceLock::new(),
        })
    }

    /// A bridge for users who come over TLS; the service learns their addresses.
    ///
    /// # Errors
    /// Refused when the certificate cannot be used or a header to set can be none.
    pub(crate) fn tls(front: &HttpsFront, service: Service) -> Result<Self, ProxyError> {
        let config = settings(front.identity.as_ref())?;
        let config = if front.enable_http2 {
            with_alpn(config, &["h2", "http/1.1"])
        } else {
            with_alpn(config, &["http/1.1"])
        };
        Ok(Self {
            tls: Some(config),
            ..Self::plain(&front.rewrite, Forwarding::Add("https"), service)?
        })
    }

    fn bridge(&self, scope: &Scope) -> &HttpBridge {
        self.bridge.get_or_init(|| {
            let service = Arc::clone(&self.service) as _;
            HttpBridge::new(
                HttpBackend::dialled(service, scope, self.rules.clone()),
                ANSWER,
            )
        })
    }
}

impl ClientProxy for Bridge {
    fn serve<'a>(&'a self, work: Work, scope: &'a Scope) -> BoxFuture<'a, Result<(), ProxyError>> {
        let serve = async move {
            let peer = work.user();
            let stream = work.stream.with_peer(peer);
            let (stream, name) = match &self.tls {
                Some(config) => match shake(stream, config).await {
                    Some(shaken) => shaken,
                    None => return Ok(()),
                },
                None => (stream, None),
            };
            self.bridge(scope).serve(stream, name, scope).await;
            Ok(())
        };
        Box::pin(serve.instrument(scope.span().clone()))
    }
}
