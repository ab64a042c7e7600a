//! The kinds that the stock server offers.

use std::sync::Arc;

use culvert_conf::Bandwidth;
use culvert_io::Limit;
use culvert_proxy::{LayerFlags, ServerKinds};
use culvert_wire::{Key, msg::NewProxy};

#[cfg(feature = "udp")]
use crate::udp::UdpKind;
use crate::{
    ports::Ports,
    tcp::TcpKind,
    vhosts::{self, Vhosts},
    visiting::Visitors,
    xtcp::{Meetings, XtcpKind},
};
#[cfg(feature = "visitors")]
use crate::{stcp::StcpKind, sudp::SudpKind};

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
    /// What http, https and tcpmux proxies share.
    pub vhosts: Vhosts,
    /// Where visitors find stcp and sudp proxies.
    pub visitors: Visitors,
    /// Where visitors find xtcp proxies.
    pub meetings: Meetings,
}

/// Every kind of the stock server, on these resources.
#[must_use]
pub fn server_kinds(resources: &ServerResources) -> ServerKinds {
    let all = resources.clone();
    let kinds = ServerKinds::default()
        .with(TcpKind::new(all.tcp_ports))
        .with(XtcpKind::new(all.meetings));
    #[cfg(feature = "udp")]
    let kinds = kinds.with(UdpKind::new(all.udp_ports, all.udp_packet_size));
    #[cfg(feature = "visitors")]
    let kinds = kinds
        .with(StcpKind::new(all.visitors.clone()))
        .with(SudpKind::new(all.visitors));
    vhosts::with_kinds(kinds, all.vhosts)
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
            vhosts: Vhosts::default(),
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
