//! The server's end of http proxies: their routes on the shared port (protocol 5.4; upstream
//! server/proxy/http.go).

use std::sync::Arc;

use culvert_http::{Credentials, HttpBackend, HttpRules, HttpVhost, Route};
use culvert_io::Scope;
use culvert_proxy::{Opened, ProxyError, ServerCx, ServerKind};
use culvert_wire::msg::NewProxy;

use crate::domains::Shared;

/// http proxies at the server.
#[derive(Debug)]
pub struct HttpKind(Shared<HttpVhost, Route, Arc<HttpBackend>>);

impl HttpKind {
    /// Proxies whose users come to `vhost` on `port` (`vhostHTTPPort`); without a vhost there are
    /// none. `sub_domain_host` may be empty.
    #[must_use]
    pub fn new(vhost: Option<Arc<HttpVhost>>, port: u16, sub_domain_host: String) -> Self {
        Self(Shared::new(vhost, port, sub_domain_host))
    }
}

impl ServerKind for HttpKind {
    const NAME: &'static str = "http";

    async fn open<'a>(
        &'a self,
        ask: &'a NewProxy,
        cx: Arc<dyn ServerCx>,
        scope: &'a Scope,
    ) -> Result<Opened, ProxyError> {
        let missing = "type [http] not supported when vhost http port is not set";
        let mut opening = self.0.open(ask, missing)?;
        let domains = opening.domains()?;
        let rules = HttpRules::new(&ask.headers, &ask.response_headers)?
            .with_auth(Credentials::new(&ask.http_user, &ask.http_pwd))
            .with_host_rewrite(&ask.host_header_rewrite)?;
        let backend = HttpBackend::new(cx, scope, rules);
        let everywhere = [String::new()];
        let locations = if ask.locations.is_empty() {
            &everywhere[..]
        } else {
            &ask.locations
        };
        for domain in &domains {
            for location in locations {
                let route = Route {
                    domain: domain.clone(),
                    location: location.clone(),
                    user: ask.route_by_http_user.clone(),
                };
                let member = Arc::clone(&backend);
                opening.join(domain, route.clone(), member, |vhost, members| {
                    vhost.register(&route, members)
                })?;
                tracing::info!(
                    "http proxy listen for host [{domain}] location [{location}] group [{}], routeByHTTPUser [{}]",
                    ask.group,
                    ask.route_by_http_user
                );
            }
        }
        Ok(opening.done())
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use culvert_http::HttpVhost;
    use culvert_proxy::{Opened, ProxyError, ServerKind};
    use culvert_wire::msg::NewProxy;

    use super::HttpKind;
    use crate::testing::{Joined, all_flags};

    fn ask(domains: &[&str], locations: &[&str]) -> NewProxy {
        NewProxy {
            proxy_type: "http".to_owned(),
            custom_domains: domains.iter().map(|d| (*d).to_owned()).collect(),
            locations: locations.iter().map(|l| (*l).to_owned()).collect(),
            ..NewProxy::default()
        }
    }

    fn kind(port: u16) -> HttpKind {
        let vhost = Arc::new(HttpVhost::new(Duration::from_secs(60), None));
        HttpKind::new(Some(vhost), port, "frp.test".to_owned())
    }

    async fn open(kind: &HttpKind, ask: &NewProxy) -> Result<Opened, ProxyError> {
        let [plain, ..] = all_flags();
        let session = Joined::new(None, plain);
        kind.open(ask, Arc::clone(&session) as _, &session.scope)
            .await
    }

    #[tokio::test]
    async fn tells_every_address_and_frees_routes() {
        let kind = kind(8080);
        let mut wanted = ask(&["a.test", "b.test"], &["/", "/x"]);
        wanted.subdomain = "web".to_owned();
        let opened = open(&kind, &wanted).await.unwrap();
        let expected =
            "a.test:8080,a.test:8080,b.test:8080,b.test:8080,web.frp.test:8080,web.frp.test:8080";
        assert_eq!(opened.remote_addr, expected);
        assert_eq!(opened.leases.len(), 6);
        // One route that is taken refuses the whole proxy, and frees what it took before.
        let clash = open(&kind, &ask(&["new.test", "a.test"], &["/"])).await;
        assert_eq!(clash.unwrap_err().to_string(), "router config conflict");
        drop(opened);
        let again = open(&kind, &ask(&["new.test", "a.test"], &["/"])).await;
        assert_eq!(again.unwrap().remote_addr, "new.test:8080,a.test:8080");
    }

    #[tokio::test]
    async fn port_80_is_not_told() {
        let opened = open(&kind(80), &ask(&["a.test"], &[])).await.unwrap();
        assert_eq!(opened.remote_addr, "a.test");
    }

    #[tokio::test]
    async fn a_group_has_one_route() {
        let kind = kind(80);
        let grouped = |domains: &[&str], locations: &[&str], name: &str| NewProxy {
            proxy_name: name.to_owned(),
            group: "g".to_owned(),
            ..ask(domains, locations)
        };
        for (wanted, text) in [
            (
                grouped(&["a.test", "b.test"], &[], "a"),
                "group params invalid",
            ),
            (
                grouped(&["a.test"], &["/x", "/y"], "a"),
                "group params invalid",
            ),
            (
                grouped(&["a.test", "a.test"], &[], "a"),
                "group proxy repeated",
            ),
        ] {
            let refused = open(&kind, &wanted).await;
            assert_eq!(refused.unwrap_err().to_string(), text);
        }
        let _a = open(&kind, &grouped(&["a.test"], &["/"], "a"))
            .await
            .unwrap();
        let _b = open(&kind, &grouped(&["a.test"], &["/"], "b"))
            .await
            .unwrap();
        let alone = open(&kind, &ask(&["a.test"], &["/"])).await;
        assert_eq!(alone.unwrap_err().to_string(), "router config conflict");
    }

    #[tokio::test]
    async fn refuses_what_cannot_be_served() {
        let without = HttpKind::new(None, 0, String::new());
        let refused = open(&without, &ask(&["a.test"], &[])).await;
        assert_eq!(
            refused.unwrap_err().to_string(),
            "type [http] not supported when vhost http port is not set"
        );
        let mut bad = ask(&["a.test"], &[]);
        bad.headers.insert("bad name".to_owned(), "x".to_owned());
        let refused = open(&kind(80), &bad).await;
        assert_eq!(
            refused.unwrap_err().to_string(),
            "invalid header name [bad name]"
        );
    }
}
