//! The server's end of tcpmux proxies: their names on the shared port (upstream
//! server/proxy/tcpmux.go).

use std::sync::Arc;

use culvert_http::{ConnectVhost, Credentials, Route, Tunnels};
use culvert_io::Scope;
use culvert_proxy::{Opened, ProxyError, ServerCx, ServerKind};
use culvert_wire::msg::NewProxy;

use crate::domains::Shared;

/// The one multiplexer there is.
const HTTP_CONNECT: &str = "httpconnect";

/// tcpmux proxies at the server.
#[derive(Debug)]
pub struct TcpMuxKind(Shared<ConnectVhost, Params, Arc<dyn ServerCx>>);

/// What the members of a group must ask for alike: route, user and password.
type Params = (Route, String, String);

impl TcpMuxKind {
    /// Proxies whose users come to `vhost` on `port` (`tcpmuxHTTPConnectPort`); without a vhost
    /// there are none. `sub_domain_host` may be empty.
    #[must_use]
    pub fn new(vhost: Option<Arc<ConnectVhost>>, port: u16, sub_domain_host: String) -> Self {
        Self(Shared::new(vhost, port, sub_domain_host))
    }
}

impl ServerKind for TcpMuxKind {
    const NAME: &'static str = "tcpmux";

    async fn open<'a>(
        &'a self,
        ask: &'a NewProxy,
        cx: Arc<dyn ServerCx>,
        scope: &'a Scope,
    ) -> Result<Opened, ProxyError> {
        if ask.multiplexer != HTTP_CONNECT {
            let text = format!("unknown multiplexer [{}]", ask.multiplexer);
            return Err(ProxyError::refused(text));
        }
        let missing = "tcpmux with multiplexer httpconnect not supported because this feature is \
                       not enabled in server";
        let mut opening = self.0.open(ask, missing)?;
        let domains = opening.domains()?;
        for domain in &domains {
            let route = Route {
                domain: domain.clone(),
                location: String::new(),
                user: ask.route_by_http_user.clone(),
            };
            // upstream: does not ask for a password without a user name.
            let login = Credentials::new(&ask.http_user, &ask.http_pwd);
            let params = (route.clone(), ask.http_user.clone(), ask.http_pwd.clone());
            opening.join(domain, params, Arc::clone(&cx), |vhost, members| {
                vhost.register(&route, login, Tunnels::new(members))
            })?;
            scope.span().in_scope(|| {
                tracing::info!(
                    "tcpmux httpconnect multiplexer listens for host [{domain}], group [{}] \
                     routeByHTTPUser [{}]",
                    ask.group,
                    ask.route_by_http_user
                );
            });
        }
        Ok(opening.done())
    }
}
