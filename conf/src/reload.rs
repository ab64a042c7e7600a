//! What a running frps takes over from a file that was changed.

use crate::server::ServerConfig;

impl ServerConfig {
    /// This configuration with what a running server takes over from `new`, and the keys that have
    /// another value there and take effect after a restart only.
    #[must_use]
    pub fn reloaded(&self, new: &Self) -> (Self, Vec<&'static str>) {
        let mut next = self.clone();
        next.allow_ports.clone_from(&new.allow_ports);
        next.max_ports_per_client = new.max_ports_per_client;
        next.custom_404_page.clone_from(&new.custom_404_page);
        next.detailed_errors_to_client = new.detailed_errors_to_client;
        next.user_conn_timeout = new.user_conn_timeout;
        next.http_plugins.clone_from(&new.http_plugins);
        next.auth.clone_from(&new.auth);
        next.transport.tls.clone_from(&new.transport.tls);
        next.transport.max_pool_count = new.transport.max_pool_count;
        next.transport.heartbeat_timeout = new.transport.heartbeat_timeout;
        if let (Some(next), Some(new)) = (&mut next.web_server, &new.web_server) {
            next.user.clone_from(&new.user);
            next.password.clone_from(&new.password);
        }
        let fixed = next.differences(new);
        (next, fixed)
    }

    /// The keys of the file whose values differ.
    fn differences(&self, new: &Self) -> Vec<&'static str> {
        let same = [
            ("bindAddr", self.bind_addr == new.bind_addr),
            ("bindPort", self.bind_port == new.bind_port),
            ("kcpBindPort", self.kcp_bind_port == new.kcp_bind_port),
            ("quicBindPort", self.quic_bind_port == new.quic_bind_port),
            ("proxyBindAddr", self.proxy_bind_addr == new.proxy_bind_addr),
            ("vhostHTTPPort", self.vhost_http_port == new.vhost_http_port),
            (
                "vhostHTTPTimeout",
                self.vhost_http_timeout == new.vhost_http_timeout,
            ),
            (
                "vhostHTTPErrorMode",
                self.vhost_http_error_mode == new.vhost_http_error_mode,
            ),
            (
                "vhostHTTPSPort",
                self.vhost_https_port == new.vhost_https_port,
            ),
            (
                "tcpmuxHTTPConnectPort and tcpmuxPassthrough",
                self.tcpmux_http_connect == new.tcpmux_http_connect,
            ),
            ("subDomainHost", self.sub_domain_host == new.sub_domain_host),
            ("udpPacketSize", self.udp_packet_size == new.udp_packet_size),
            (
                "natholeAnalysisDataReserveHours",
                self.nat_hole_analysis_data_reserve == new.nat_hole_analysis_data_reserve,
            ),
            ("log", self.log == new.log),
            (
                "webServer, but for user and password",
                self.web_server == new.web_server,
            ),
            (
                "transport, but for tls, maxPoolCount and heartbeatTimeout",
                self.transport == new.transport,
            ),
            (
                "sshTunnelGateway",
                self.ssh_tunnel_gateway == new.ssh_tunnel_gateway,
            ),
            ("watchConfig", self.watch_config == new.watch_config),
            ("listeners", self.listeners == new.listeners),
        ];
        let changed = same.into_iter().filter(|(_, same)| !same);
        changed.map(|(key, _)| key).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::{ServerConfig, Strictness, parse_server};

    fn config(text: &str) -> ServerConfig {
        let loaded = parse_server(text, "test", Strictness::Strict);
        loaded.unwrap().config
    }

    #[test]
    fn what_can_change_is_taken_over_and_the_rest_is_named() {
        let old = config("bindPort = 7000\nauth.token = \"a\"\nwebServer.port = 7500\n");
        let text = "bindPort = 7001\nauth.token = \"b\"\nmaxPortsPerClient = 3\n\
            webServer = { port = 7501, user = \"u\", password = \"p\" }\n\
            transport = { maxPoolCount = 9, tcpKeepalive = 60 }\n";
        let new = config(text);
        let (next, fixed) = old.reloaded(&new);
        assert_eq!(next.auth, new.auth);
        assert_eq!(next.max_ports_per_client, new.max_ports_per_client);
        assert_eq!(next.transport.max_pool_count, 9);
        assert_eq!(
            (next.bind_port, next.transport.tcp_keepalive),
            (old.bind_port, old.transport.tcp_keepalive)
        );
        let web = next.web_server.as_ref().unwrap();
        assert_eq!((&*web.user, web.port.get()), ("u", 7500));
        assert_eq!(fixed.len(), 3, "{fixed:?}");
        assert!(fixed.contains(&"bindPort"));
        let (same, fixed) = next.reloaded(&next);
        assert_eq!(same, next);
        assert_eq!(fixed, [""; 0]);
    }
}
