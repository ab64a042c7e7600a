//! The kinds whose users share a port of the server and are told apart by what they ask for.

use std::sync::Arc;

use culvert_http::{ConnectVhost, HttpVhost, HttpsVhost};
use culvert_proxy::ServerKinds;

use crate::{http::HttpKind, https::HttpsKind, tcpmux::TcpMuxKind};

/// The shared ports of a server, as its proxies see them.
#[derive(Clone, Debug, Default)]
pub struct Vhosts {
    /// The sites on `vhostHTTPPort`, if it is set.
    pub http: Option<Arc<HttpVhost>>,
    /// `vhostHTTPPort`, as users are told it; 0 without one.
    pub http_port: u16,
    /// The sites on `vhostHTTPSPort`, if it is set.
    pub https: Option<Arc<HttpsVhost>>,
    /// `vhostHTTPSPort`, as users are told it; 0 without one.
    pub https_port: u16,
    /// The hosts on `tcpmuxHTTPConnectPort`, if it is set.
    pub tcpmux: Option<Arc<ConnectVhost>>,
    /// `tcpmuxHTTPConnectPort`, as users are told it; 0 without one.
    pub tcpmux_port: u16,
    /// `subDomainHost`; empty for none.
    pub sub_domain_host: String,
}

/// The same kinds and those on `vhosts`.
pub(crate) fn with_kinds(kinds: ServerKinds, vhosts: Vhosts) -> ServerKinds {
    let host = vhosts.sub_domain_host;
    kinds
        .with(HttpKind::new(vhosts.http, vhosts.http_port, host.clone()))
        .with(HttpsKind::new(
            vhosts.https,
            vhosts.https_port,
            host.clone(),
        ))
        .with(TcpMuxKind::new(vhosts.tcpmux, vhosts.tcpmux_port, host))
}
