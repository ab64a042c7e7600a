//! The server's end of https proxies: their names on the shared port (protocol 5.5; upstream
//! server/proxy/https.go).

use std::sync::Arc;

use culvert_http::{HttpsVhost, Tunnels};
use culvert_io::Scope;
use culvert_proxy::{Opened, ProxyError, ServerCx, ServerKind};
use culvert_wire::msg::NewProxy;

use crate::domains::Shared;

/// https proxies at the server.
#[derive(Debug)]
pub struct HttpsKind(Shared<HttpsVhost, String, Arc<dyn ServerCx>>);

impl HttpsKind {
    /// Proxies whose users come to `vhost` on `port` (`vhostHTTPSPort`); without a vhost there are
    /// none. `sub_domain_host` may be empty.
    #[must_use]
    pub fn new(vhost: Option<Arc<HttpsVhost>>, port: u16, sub_domain_host: String) -> Self {
        Self(Shared::new(vhost, port, sub_domain_host))
    }
}

impl ServerKind for HttpsKind {
    const NAME: &'static str = "https";

    async fn open<'a>(
        &'a self,
        ask: &'a NewProxy,
        cx: Arc<dyn ServerCx>,
        _scope: &'a Scope,
    ) -> Result<Opened, ProxyError> {
        let missing = "type [https] not supported when vhost https port is not set";
        let mut opening = self.0.open(ask, missing)?;
        let domains = opening.domains()?;
        for domain in &domains {
            opening.join(domain, domain.clone(), Arc::clone(&cx), |vhost, members| {
                vhost.register(domain, Tunnels::new(members))
            })?;
            tracing::info!(
                "https proxy listen for host [{domain}] group [{}]",
                ask.group
            );
        }
        Ok(opening.done())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use culvert_http::HttpsVhost;
    use culvert_proxy::{Opened, ProxyError, ServerKind};
    use culvert_wire::msg::NewProxy;

    use super::HttpsKind;
    use crate::testing::{Joined, all_flags};

    fn ask(domain: &str) -> NewProxy {
        NewProxy {
            proxy_type: "https".to_owned(),
            custom_domains: vec![domain.to_owned()],
            subdomain: "web".to_owned(),
            ..NewProxy::default()
        }
    }

    async fn open(kind: &HttpsKind, ask: &NewProxy) -> Result<Opened, ProxyError> {
        let [plain, ..] = all_flags();
        let session = Joined::new(None, plain);
        kind.open(ask, Arc::clone(&session) as _, &session.scope)
            .await
    }

    #[tokio::test]
    async fn tells_every_address_and_conflicts() {
        let vhost = Some(Arc::new(HttpsVhost::new()));
        let kind = HttpsKind::new(vhost, 8443, "frp.test".to_owned());
        let opened = open(&kind, &ask("a.test")).await.unwrap();
        assert_eq!(opened.remote_addr, "a.test:8443,web.frp.test:8443");
        let clash = open(&kind, &ask("b.test")).await;
        assert_eq!(clash.unwrap_err().to_string(), "router config conflict");
    }

    #[tokio::test]
    async fn needs_a_port() {
        let kind = HttpsKind::new(None, 0, String::new());
        let refused = open(&kind, &ask("a.test")).await;
        assert_eq!(
            refused.unwrap_err().to_string(),
            "type [https] not supported when vhost https port is not set"
        );
    }
}
