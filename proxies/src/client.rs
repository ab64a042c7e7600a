//! What a client runs for a configured proxy.

use std::sync::Arc;

use culvert_conf::{Backend, BandwidthLimitMode, ProxyConfig, ProxyKind, ProxyTransport};
use culvert_io::{Limit, Scope};
use culvert_proxy::{BoxClientProxy, Control, LayerFlags, ProxyError};
use culvert_transport::Tunnels;
use culvert_wire::{Key, Token};

use crate::{
    plugged::plugged, tcp::LocalTcp, udp::LocalUdp, virtual_net::VirtualNet, xtcp::XtcpProxy,
};

/// What a client's proxies share.
#[derive(Clone, Debug)]
pub struct ClientCx {
    /// `udpPacketSize`: where datagrams are cut.
    pub udp_packet_size: usize,
    /// The network of `virtualNet.address`, if there is one.
    pub virtual_net: Option<VirtualNet>,
    /// The ways to other peers; xtcp is refused without.
    pub peers: Option<PeerCx>,
}

/// What a client lends to its xtcp proxies and visitors.
#[derive(Clone, Debug)]
pub struct PeerCx {
    /// `natHoleStunServer`, `host:port`.
    pub stun_server: String,
    /// The control stream to the server.
    pub control: Arc<dyn Control>,
    /// What makes a session of a hole.
    pub tunnels: Arc<dyn Tunnels>,
    /// Where the tasks of user connections belong (`spawn_graceful`).
    pub users: Scope,
    /// Where the tasks of tunnels belong, which end after the users.
    pub sessions: Scope,
}

/// What serves the work connections of `proxy`.
///
/// # Errors
/// Refused, with the proxy's name, when this build does not have its type or plugin.
pub fn client_proxy(proxy: &ProxyConfig, cx: &ClientCx) -> Result<BoxClientProxy, ProxyError> {
    let inner = backend(proxy, cx)?;
    let ProxyKind::Xtcp(own) = &proxy.kind else {
        return Ok(inner);
    };
    let Some(peers) = cx.peers.clone() else {
        let name = &proxy.name;
        return Err(ProxyError::refused(format!(
            "proxy [{name}]: nobody to meet peers with"
        )));
    };
    let key = Token::new(own.secret_key.expose()).key();
    let layers = layer_flags(&proxy.transport, &key);
    let assisted = !own.disable_assisted_addrs;
    Ok(Arc::new(XtcpProxy::new(
        inner, key, layers, assisted, peers,
    )))
}

/// What serves the users of `proxy`.
fn backend(proxy: &ProxyConfig, cx: &ClientCx) -> Result<BoxClientProxy, ProxyError> {
    let name = &proxy.name;
    let header = proxy.transport.proxy_protocol;
    let (ip, port) = match &proxy.backend {
        Backend::Local { ip, port } => (ip, *port),
        Backend::Plugin(plugin) => {
            return plugged(plugin, header, cx.virtual_net.as_ref())
                .map_err(|err| ProxyError::refused(format!("proxy [{name}]: {err}")));
        }
    };
    match proxy.kind {
        ProxyKind::Tcp { .. }
        | ProxyKind::Http(_)
        | ProxyKind::Https(_)
        | ProxyKind::TcpMux(_)
        | ProxyKind::Stcp(_)
        | ProxyKind::Xtcp(_) => Ok(Arc::new(LocalTcp::new(ip.clone(), port, header))),
        ProxyKind::Udp { .. } => Ok(Arc::new(LocalUdp::new(
            ip.clone(),
            port,
            cx.udp_packet_size,
            header,
        ))),
        ProxyKind::Sudp(_) => {
            let local = LocalUdp::new(ip.clone(), port, cx.udp_packet_size, header);
            Ok(Arc::new(local.for_visitors()))
        }
    }
}

/// The layers that a proxy's work connections have at the client, with the key made of the token.
/// Those of xtcp carry no user: its layers are inside its tunnels.
#[must_use]
pub fn client_layers(proxy: &ProxyConfig, key: &Key) -> LayerFlags {
    match &proxy.kind {
        ProxyKind::Xtcp(_) => LayerFlags::default(),
        _ => layer_flags(&proxy.transport, key),
    }
}

fn layer_flags(transport: &ProxyTransport, key: &Key) -> LayerFlags {
    let limit = match (&transport.bandwidth_limit, transport.bandwidth_limit_mode) {
        (Some(limit), BandwidthLimitMode::Client) => Some(Limit::new(limit.bytes_per_second)),
        _ => None,
    };
    LayerFlags {
        encryption: transport.use_encryption.then(|| key.clone()),
        compression: transport.use_compression,
        limit: limit.map(Arc::new),
    }
}

#[cfg(test)]
mod tests {
    use culvert_conf::{Bandwidth, HttpRewrite, PluginConfig, SecretProxy};

    use super::*;

    fn served(kind: ProxyKind, backend: Backend) -> Result<BoxClientProxy, ProxyError> {
        let proxy = ProxyConfig {
            name: "web".to_owned(),
            transport: ProxyTransport::default(),
            load_balancer: None,
            health_check: None,
            annotations: [].into(),
            metadatas: [].into(),
            backend,
            kind,
        };
        client_proxy(
            &proxy,
            &ClientCx {
                udp_packet_size: 1500,
                virtual_net: None,
                peers: None,
            },
        )
    }

    fn local() -> Backend {
        Backend::Local {
            ip: "127.0.0.1".to_owned(),
            port: 80,
        }
    }

    #[test]
    fn what_is_in_this_build_is_served() {
        for kind in [
            ProxyKind::Tcp { remote_port: 1 },
            ProxyKind::Udp { remote_port: 1 },
            ProxyKind::Http(Default::default()),
            ProxyKind::Https(Default::default()),
            ProxyKind::TcpMux(Default::default()),
            ProxyKind::Stcp(SecretProxy::default()),
            ProxyKind::Sudp(SecretProxy::default()),
        ] {
            served(kind, local()).unwrap();
        }
    }

    #[test]
    fn what_is_not_is_refused_by_name() {
        let kind = ProxyKind::Xtcp(culvert_conf::XtcpProxy::default());
        let error = served(kind, local()).unwrap_err();
        assert_eq!(error.to_string(), "proxy [web]: nobody to meet peers with");
        let plugin = Backend::Plugin(PluginConfig::VirtualNet);
        let error = served(ProxyKind::Stcp(SecretProxy::default()), plugin).unwrap_err();
        let text = "proxy [web]: the plugin virtual_net needs virtualNet.address";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn plugins_take_the_place_of_a_local_service() {
        for kind in [
            ProxyKind::Tcp { remote_port: 1 },
            ProxyKind::Http(Default::default()),
            ProxyKind::Https(Default::default()),
            ProxyKind::Stcp(SecretProxy::default()),
        ] {
            let plugin = PluginConfig::Socks5(Default::default());
            served(kind, Backend::Plugin(plugin)).unwrap();
        }
        let rewrite = HttpRewrite {
            request_headers: [("a b".to_owned(), String::new())].into(),
            ..HttpRewrite::default()
        };
        let plugin = Backend::Plugin(PluginConfig::Http2Http(rewrite));
        let error = served(ProxyKind::Tcp { remote_port: 1 }, plugin).unwrap_err();
        let text = "proxy [web]: invalid header name [a b]";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn layers_follow_the_configuration() {
        let key = Key::derive("token");
        let transport = ProxyTransport {
            use_compression: true,
            ..ProxyTransport::default()
        };
        let flags = layer_flags(&transport, &key);
        assert!(flags.compression && flags.encryption.is_none());
        let transport = ProxyTransport {
            use_encryption: true,
            ..ProxyTransport::default()
        };
        let flags = layer_flags(&transport, &key);
        assert!(!flags.compression && flags.encryption.is_some());
        assert!(flags.limit.is_none());
        for (mode, here) in [
            (BandwidthLimitMode::Client, true),
            (BandwidthLimitMode::Server, false),
        ] {
            let transport = ProxyTransport {
                bandwidth_limit: Bandwidth::parse("1MB").unwrap(),
                bandwidth_limit_mode: mode,
                ..ProxyTransport::default()
            };
            assert_eq!(layer_flags(&transport, &key).limit.is_some(), here);
        }
    }
}
