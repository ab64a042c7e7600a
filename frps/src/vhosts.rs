//! The ports that http, https and tcpmux proxies share.

use std::sync::Arc;

use culvert_conf::{ServerConfig, VhostErrorMode};
use culvert_http::ErrorMode;
pub(crate) use culvert_http::{ConnectVhost, HttpVhost, HttpsVhost};

/// What is behind each of them; `None` where the port is not set.
#[derive(Debug)]
pub(crate) struct Vhosts {
    pub(crate) http: Option<Arc<HttpVhost>>,
    pub(crate) https: Option<Arc<HttpsVhost>>,
    pub(crate) tcpmux: Option<Arc<ConnectVhost>>,
}

impl Vhosts {
    /// The vhosts that the configuration asks for, without a route.
    pub(crate) fn new(config: &ServerConfig) -> Self {
        let page = config.custom_404_page.clone();
        let errors = match config.vhost_http_error_mode {
            VhostErrorMode::Compatible => ErrorMode::Compatible,
            VhostErrorMode::Precise => ErrorMode::Precise,
        };
        let http = |_| Arc::new(HttpVhost::telling(config.vhost_http_timeout, page, errors));
        let tcpmux = config.tcpmux_http_connect.as_ref().map(|front| {
            let page = config.custom_404_page.clone();
            Arc::new(ConnectVhost::new(front.passthrough, page))
        });
        Self {
            http: config.vhost_http_port.map(http),
            https: config.vhost_https_port.map(|_| Arc::new(HttpsVhost::new())),
            tcpmux,
        }
    }

    /// The same for the kinds of proxies that are found there.
    pub(crate) fn lent(&self, config: &ServerConfig) -> culvert_proxies::Vhosts {
        let tcpmux = config.tcpmux_http_connect.as_ref();
        culvert_proxies::Vhosts {
            http: self.http.clone(),
            http_port: config.vhost_http_port.map_or(0, u16::from),
            https: self.https.clone(),
            https_port: config.vhost_https_port.map_or(0, u16::from),
            tcpmux: self.tcpmux.clone(),
            tcpmux_port: tcpmux.map_or(0, |front| front.port.get()),
            sub_domain_host: config.sub_domain_host.clone().unwrap_or_default(),
        }
    }
}
