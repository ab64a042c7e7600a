//! The kinds that the stock server offers.

use std::sync::Arc;

use culvert_conf::Bandwidth;
use culvert_http::{ConnectVhost, HttpVhost, HttpsVhost};
use culvert_io::Limit;
use culvert_proxy::{LayerFlags, ServerKinds};
use culvert_wire::{Key, msg::NewProxy};

use crate::{
    http::HttpKind,
    https::HttpsKind,
    ports::Ports,
    stcp::StcpKind,
    sudp::SudpKind,
    tcp::TcpKind,
    tcpmux::TcpMuxKind,
    udp::UdpKind,
    visiting::Visitors,
    xtcp::{Meetings, XtcpKind},
};

/// The layers that a proxy's work connections have at the server, with the key made of the token.
/// A bandwidth that cannot be read limits nothing, as upstream.
#[must_use]
pub fn server_layers(ask: &NewProxy, key: &Key) -> LayerFlags {
    let limit = (ask.bandwidth_limit_mode == "server")
        .then(|| Bandwidth::parse(&ask.bandwidth_limit).ok().flatten())
        .flatten();
    LayerFlags {
        encryption: ask.use_encryption.then(|| key.clone()),
        compression: ask.use_compression,
        limit: limit.map(|limit| Arc::new(Limit::new(limit.bytes_per_second))),
    }
}

/// What the kinds of a server hand out.
#[derive(Clone, Debug)]
pub struct ServerResources {
    /// The ports of tcp proxies.
    pub tcp_ports: Ports,
    /// The ports of udp proxies.
    pub udp_ports: Ports,
    /// `udpPacketSize`: where datagrams are cut.
    pub udp_packet_size: usize,
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
    /// Where visitors find stcp and sudp proxies.
    pub visitors: Visitors,
    /// Where visitors find xtcp proxies.
    pub meetings: Meetings,
}

/// Every kind of the stock server, on these resources.
#[must_use]
pub fn server_kinds(resources: &ServerResources) -> ServerKinds {
    let all = resources.clone();
    ServerKinds::default()
        .with(TcpKind::new(all.tcp_ports))
        .with(UdpKind::new(all.udp_ports, all.udp_packet_size))
        .with(HttpKind::new(
            all.http,
            all.http_port,
            all.sub_domain_host.clone(),
        ))
        .with(HttpsKind::new(
            all.https,
            all.https_port,
            all.sub_domain_host.clone(),
        ))
        .with(TcpMuxKind::new(
            all.tcpmux,
            all.tcpmux_port,
            all.sub_domain_host,
        ))
        .with(StcpKind::new(all.visitors.clone()))
        .with(SudpKind::new(all.visitors))
        .with(XtcpKind::new(all.meetings))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use culvert_conf::PortRanges;

    use super::*;

    #[test]
    fn every_kind_has_its_name() {
        let ports = Ports::new(Ipv4Addr::LOCALHOST.into(), PortRanges::All);
        let kinds = server_kinds(&ServerResources {
            tcp_ports: ports.clone(),
            udp_ports: ports,
            udp_packet_size: 1500,
            http: None,
            http_port: 0,
            https: None,
            https_port: 0,
            tcpmux: None,
            tcpmux_port: 0,
            sub_domain_host: String::new(),
            visitors: Visitors::default(),
            meetings: Meetings::new(std::time::Duration::ZERO),
        });
        for name in ["", "tcp", "udp", "http", "https", "tcpmux", "stcp", "sudp"] {
            kinds.get(name).unwrap();
        }
        let error = kinds.get("quux").unwrap_err();
        assert_eq!(error.to_string(), "unknown proxy type: quux");
    }

    #[test]
    fn a_limit_that_is_the_servers_and_readable_holds() {
        for (limit, mode, holds) in [
            ("1MB", "server", true),
            ("1MB", "client", false),
            ("1MB", "", false),
            ("1GB", "server", false),
            ("", "server", false),
        ] {
            let ask = NewProxy {
                bandwidth_limit: limit.to_owned(),
                bandwidth_limit_mode: mode.to_owned(),
                ..NewProxy::default()
            };
            let layers = server_layers(&ask, &Key::derive("token"));
            assert_eq!(layers.limit.is_some(), holds, "{limit} {mode}");
        }
    }
}
