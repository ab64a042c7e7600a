//! What a client runs for a configured proxy.

use std::sync::Arc;

use culvert_conf::{Backend, BandwidthLimitMode, ProxyConfig, ProxyKind, ProxyTransport};
use culvert_io::Limit;
use culvert_plugins::Greeting;
use culvert_proxy::{BoxClientProxy, LayerFlags, ProxyError};
use culvert_wire::Key;

use crate::{
    tcp::{LocalTcp, user_header},
    udp::LocalUdp,
};

/// What a client's proxies share.
#[derive(Clone, Debug)]
pub struct ClientCx {
    /// `udpPacketSize`: where datagrams are cut.
    pub udp_packet_size: usize,
}

/// What serves the work connections of `proxy`.
///
/// # Errors
/// Refused, with the proxy's name, when this build does not have its type or plugin.
pub fn client_proxy(proxy: &ProxyConfig, cx: &ClientCx) -> Result<BoxClientProxy, ProxyError> {
    let name = &proxy.name;
    let kind = proxy.kind_name();
    let (ip, port) = match &proxy.backend {
        Backend::Local { ip, port } => (ip, *port),
        Backend::Plugin(plugin) => {
            let greeting = Greeting {
                version: proxy.transport.proxy_protocol,
                write: user_header,
            };
            let of_proxy = |err| ProxyError::refused(format!("proxy [{name}]: {err}"));
            let kind = plugin.kind_name();
            return culvert_plugins::plugin(plugin, greeting)
                .map_err(of_proxy)?
                .ok_or_else(|| {
                    ProxyError::refused(format!(
                        "proxy [{name}]: plugin [{kind}] is not part of this build; use localIP \
                         and localPort"
                    ))
                });
        }
    };
    let header = proxy.transport.proxy_protocol;
    match proxy.kind {
        ProxyKind::Tcp { .. }
        | ProxyKind::Http(_)
        | ProxyKind::Https(_)
        | ProxyKind::TcpMux(_)
        | ProxyKind::Stcp(_) => Ok(Arc::new(LocalTcp::new(ip.clone(), port, header))),
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
        ProxyKind::Xtcp(_) => Err(ProxyError::refused(format!(
            "proxy [{name}]: type [{kind}] is not part of this build; it has tcp, udp, http, \
             https, tcpmux, stcp and sudp"
        ))),
    }
}

/// The layers that a proxy's work connections have at the client, with the key made of the token.
#[must_use]
pub fn layer_flags(transport: &ProxyTransport, key: &Key) -> LayerFlags {
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
    use culvert_conf::{Bandwidth, HttpRewrite, PluginConfig, SecretProxy, XtcpProxy};

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
        let error = served(ProxyKind::Xtcp(XtcpProxy::default()), local()).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("proxy [web]: type [xtcp] is not"),
            "{error}"
        );
        let plugin = Backend::Plugin(PluginConfig::VirtualNet);
        let error = served(ProxyKind::Tcp { remote_port: 1 }, plugin).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("proxy [web]: plugin [virtual_net] is"),
            "{error}"
        );
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
