//! Keys that ask for a part which this build is without.

use super::Checker;
use crate::client::{ClientConfig, Protocol};
use crate::error::Fault;
use crate::extend::EXEC;
use crate::parts::Part;
use crate::proxy::{Backend, HealthProbe, ProxyKind};
use crate::server::ServerConfig;
use crate::types::AuthMethod;
use crate::visitor::VisitorKind;

impl Checker<'_> {
    pub(super) fn server_parts(&mut self, config: &ServerConfig) {
        let is_oidc = matches!(config.auth.method, AuthMethod::Oidc { .. });
        let ssh = &config.ssh_tunnel_gateway;
        for (is_asked, key, part) in [
            (config.kcp_bind_port.is_some(), "kcpBindPort", Part::Kcp),
            (config.quic_bind_port.is_some(), "quicBindPort", Part::Quic),
            (
                config.vhost_http_port.is_some(),
                "vhostHTTPPort",
                Part::Http,
            ),
            (
                config.vhost_https_port.is_some(),
                "vhostHTTPSPort",
                Part::Http,
            ),
            (
                config.tcpmux_http_connect.is_some(),
                "tcpmuxHTTPConnectPort",
                Part::Http,
            ),
            (
                config.web_server.is_some(),
                "webServer.port",
                Part::Dashboard,
            ),
            (ssh.is_some(), "sshTunnelGateway.bindPort", Part::Ssh),
            (
                !config.http_plugins.is_empty(),
                "httpPlugins",
                Part::Plugins,
            ),
            (is_oidc, "auth.method", Part::Oidc),
        ] {
            self.needs_part(is_asked, key, part);
        }
        for (index, listener) in config.listeners.iter().enumerate() {
            let is_program = listener.transport.starts_with(EXEC);
            let key = format!("listeners[{index}].transport");
            self.needs_part(is_program, &key, Part::Exec);
        }
    }

    pub(super) fn client_parts(&mut self, config: &ClientConfig) {
        let is_oidc = matches!(config.auth.method, AuthMethod::Oidc { .. });
        self.needs_part(is_oidc, "auth.method", Part::Oidc);
        self.needs_part(
            config.web_server.is_some(),
            "webServer.port",
            Part::Dashboard,
        );
        let is_proxied = config.transport.proxy_url.is_some();
        self.needs_part(is_proxied, "transport.proxyURL", Part::ProxyUrl);
        let has_network = config.virtual_net_address.is_some();
        self.needs_part(has_network, "virtualNet.address", Part::Plugins);
        let transport = match &config.transport.protocol {
            Protocol::Kcp => Some(Part::Kcp),
            Protocol::Quic => Some(Part::Quic),
            Protocol::Websocket | Protocol::Wss => Some(Part::Websocket),
            Protocol::Other(name) if name.starts_with(EXEC) => Some(Part::Exec),
            _ => None,
        };
        if let Some(part) = transport {
            self.needs_part(true, "transport.protocol", part);
        }
        for (index, proxy) in config.proxies.iter().enumerate() {
            let at = |key: &str| format!("proxies[{index}].{key}");
            let is_plugin = matches!(proxy.backend, Backend::Plugin(_));
            self.needs_part(is_plugin, &at("plugin.type"), Part::Plugins);
            let is_direct = matches!(proxy.kind, ProxyKind::Xtcp(_));
            self.needs_part(is_direct, &at("type"), Part::Xtcp);
            let is_datagrams = matches!(proxy.kind, ProxyKind::Udp { .. } | ProxyKind::Sudp(_));
            self.needs_part(is_datagrams, &at("type"), Part::Udp);
            let check = proxy.health_check.as_ref();
            let is_http = check.is_some_and(|c| matches!(c.probe, HealthProbe::Http { .. }));
            self.needs_part(is_http, &at("healthCheck.type"), Part::Http);
        }
        for (index, visitor) in config.visitors.iter().enumerate() {
            let at = |key: &str| format!("visitors[{index}].{key}");
            self.needs_part(visitor.plugin.is_some(), &at("plugin.type"), Part::Plugins);
            self.needs_part(true, &at("type"), Part::Visitors);
            let is_direct = matches!(visitor.kind, VisitorKind::Xtcp(_));
            self.needs_part(is_direct, &at("type"), Part::Xtcp);
        }
    }

    /// Notes a fault where the file asks for a part that is not there.
    pub(super) fn needs_part(&mut self, is_asked: bool, key: &str, part: Part) {
        if !is_asked || part.is_here() {
            return;
        }
        let feature = part.feature();
        let fault = Fault::Unsupported {
            path: key.to_owned(),
            remedy: format!(
                "it has no {feature}: use one that was built with --features {feature}"
            ),
        };
        self.fault(key, fault);
    }
}

#[cfg(test)]
mod tests {
    use super::Part;
    use crate::{Reading, parse_client, parse_server};

    /// `said` is an error if and only if this build is without `part`, and then names it.
    fn told(said: Result<(), String>, key: &str, part: Part) {
        if part.is_here() {
            return assert_eq!(said, Ok(()), "{key}");
        }
        let feature = part.feature();
        let wanted = format!(
            ":1: {key} is not supported by this build; it has no {feature}: use one that was \
             built with --features {feature}"
        );
        let error = said.unwrap_err();
        assert!(error.contains(&wanted), "{error}");
    }

    #[test]
    fn keys_of_a_server_name_the_part_that_they_need() {
        for (key, part) in [
            ("kcpBindPort", Part::Kcp),
            ("quicBindPort", Part::Quic),
            ("vhostHTTPPort", Part::Http),
            ("vhostHTTPSPort", Part::Http),
            ("tcpmuxHTTPConnectPort", Part::Http),
            ("webServer.port", Part::Dashboard),
            ("sshTunnelGateway.bindPort", Part::Ssh),
        ] {
            let said = parse_server(&format!("{key} = 1"), "frps.toml", Reading::default());
            told(said.map(drop).map_err(|e| e.to_string()), key, part);
        }
    }

    #[test]
    fn keys_of_a_client_name_the_part_that_they_need() {
        let entry = |list, rest| format!("{list} = [{{ name = \"a\", {rest} }}]");
        let proxy = |rest| entry("proxies", rest);
        let visitor = "type = \"xtcp\", serverName = \"b\", bindPort = 1";
        for (text, key, part) in [
            (
                "webServer.port = 1".to_owned(),
                "webServer.port",
                Part::Dashboard,
            ),
            (
                "transport.protocol = \"wss\"".to_owned(),
                "transport.protocol",
                Part::Websocket,
            ),
            (
                "transport.protocol = \"quic\"".to_owned(),
                "transport.protocol",
                Part::Quic,
            ),
            (
                proxy("type = \"xtcp\", localPort = 1"),
                "proxies[0].type",
                Part::Xtcp,
            ),
            (
                proxy("type = \"tcp\", plugin.type = \"socks5\""),
                "proxies[0].plugin.type",
                Part::Plugins,
            ),
            (entry("visitors", visitor), "visitors[0].type", Part::Xtcp),
        ] {
            let said = parse_client(&text, "frpc.toml", Reading::default());
            told(said.map(drop).map_err(|e| e.to_string()), key, part);
        }
    }
}
