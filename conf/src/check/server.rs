//! The checks of frps (upstream: pkg/config/v1/validation/server.go).

use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Checker, count, optional, path, seconds, text};
use crate::raw::server::{
    RawHttpPlugin, RawListener, RawPortRange, RawServer, RawServerAuth, RawServerTransport,
    RawSshTunnelGateway,
};
use crate::server::{
    HttpPlugin, Listener, PluginOp, ServerAuth, ServerConfig, ServerOidc, ServerTls,
    ServerTransport, SshTunnelGateway, TcpMuxHttpConnect, VhostErrorMode,
};
use crate::types::{AuthMethod, LONGEST, Port, PortRanges};

/// The whole file.
pub(crate) fn server(checker: &mut Checker<'_>, raw: RawServer) -> ServerConfig {
    let auth = checker.server_auth(raw.auth);
    let log = checker.log(raw.log);
    let web_server = checker.web_server(raw.web_server, raw.enable_prometheus);
    let bind_port = checker.port("bindPort", "bindPort", raw.bind_port);
    let kcp_bind_port = checker.optional_port("kcpBindPort", "kcpBindPort", raw.kcp_bind_port);
    let quic_bind_port = checker.optional_port("quicBindPort", "quicBindPort", raw.quic_bind_port);
    let vhost_http_port =
        checker.optional_port("vhostHTTPPort", "vhostHTTPPort", raw.vhost_http_port);
    let vhost_http_error_mode = checker.choice(
        "vhostHTTPErrorMode",
        &raw.vhost_http_error_mode,
        "invalid vhostHTTPErrorMode, optional values are [compatible precise]",
        &[
            ("", VhostErrorMode::Compatible),
            ("compatible", VhostErrorMode::Compatible),
            ("precise", VhostErrorMode::Precise),
        ],
    );
    let vhost_https_port =
        checker.optional_port("vhostHTTPSPort", "vhostHTTPSPort", raw.vhost_https_port);
    let tcpmux_port = checker.optional_port(
        "tcpmuxHTTPConnectPort",
        "tcpMuxHTTPConnectPort",
        raw.tcpmux_http_connect_port,
    );
    let http_plugins = checker.http_plugins(raw.http_plugins);
    let bind_addr = text(raw.bind_addr, "0.0.0.0");
    ServerConfig {
        proxy_bind_addr: text(raw.proxy_bind_addr, &bind_addr),
        bind_addr,
        bind_port: if bind_port == 0 { 7000 } else { bind_port },
        kcp_bind_port,
        quic_bind_port,
        vhost_http_port,
        // Go's http.Transport takes a negative timeout for none.
        vhost_http_timeout: seconds(raw.vhost_http_timeout, 60).unwrap_or(LONGEST),
        vhost_http_error_mode,
        vhost_https_port,
        tcpmux_http_connect: tcpmux_port.map(|port| TcpMuxHttpConnect {
            port,
            passthrough: raw.tcpmux_passthrough,
        }),
        sub_domain_host: optional(raw.sub_domain_host),
        custom_404_page: path(raw.custom_404_page),
        detailed_errors_to_client: raw.detailed_errors_to_client.unwrap_or(true),
        max_ports_per_client: NonZeroU32::new(count(raw.max_ports_per_client, 0)),
        user_conn_timeout: checker.positive_seconds("userConnTimeout", raw.user_conn_timeout, 10),
        udp_packet_size: checker.udp_packet_size(raw.udp_packet_size),
        nat_hole_analysis_data_reserve: hours(raw.nat_hole_reserve_hours, 168),
        allow_ports: checker.allow_ports(&raw.allow_ports),
        http_plugins,
        auth,
        log,
        web_server,
        transport: checker.server_transport(raw.transport),
        ssh_tunnel_gateway: checker.ssh_tunnel_gateway(raw.ssh_tunnel_gateway),
        watch_config: raw.watch_config,
        listeners: checker.listeners(raw.listeners),
    }
}

fn hours(found: i64, default: u64) -> Duration {
    seconds(found.saturating_mul(3600), default.saturating_mul(3600)).unwrap_or(Duration::ZERO)
}

impl Checker<'_> {
    fn listeners(&mut self, raw: Vec<RawListener>) -> Vec<Listener> {
        let mut listeners = Vec::with_capacity(raw.len());
        for (index, entry) in raw.into_iter().enumerate() {
            let path = format!("listeners[{index}].transport");
            if entry.transport.is_empty() {
                self.missing(&path, "a listener needs a transport");
            } else if !self.is_extension(&path, &entry.transport) {
                let gist = format!("invalid {path}");
                self.no_such_transport(&path, &entry.transport, gist);
            }
            let path = format!("listeners[{index}].bind");
            let Ok(bind) = entry.bind.parse() else {
                let remedy = "write an IP address and a port, such as 0.0.0.0:7443";
                self.bad(&path, &entry.bind, format!("invalid {path}"), remedy);
                continue;
            };
            let shared = self.free_table(&entry.transport);
            listeners.push(Listener {
                transport: entry.transport,
                bind,
                own: entry.options.unwrap_or(shared),
            });
        }
        listeners
    }

    fn server_auth(&mut self, raw: RawServerAuth) -> ServerAuth {
        let oidc = self.is_oidc(&raw.method);
        let scopes = self.scopes(&raw.additional_scopes);
        let method = self.token(raw.token.clone(), raw.token_source);
        let method = if oidc {
            AuthMethod::Oidc {
                oidc: Box::new(ServerOidc {
                    issuer: raw.oidc.issuer,
                    audience: optional(raw.oidc.audience),
                    skip_expiry_check: raw.oidc.skip_expiry_check,
                    skip_issuer_check: raw.oidc.skip_issuer_check,
                }),
                token: raw.token,
            }
        } else {
            method
        };
        ServerAuth { method, scopes }
    }

    fn http_plugins(&mut self, raw: Vec<RawHttpPlugin>) -> Vec<HttpPlugin> {
        let gist = "invalid http plugin ops, optional values are \
                    [Login NewProxy CloseProxy Ping NewWorkConn NewUserConn]";
        let choices: Vec<(&str, Option<PluginOp>)> = PluginOp::ALL
            .iter()
            .map(|op| (op.as_str(), Some(*op)))
            .collect();
        let mut plugins = Vec::with_capacity(raw.len());
        for (index, plugin) in raw.into_iter().enumerate() {
            let mut ops = Vec::with_capacity(plugin.ops.len());
            for (op, word) in plugin.ops.iter().enumerate() {
                let path = format!("httpPlugins[{index}].ops[{op}]");
                ops.extend(self.choice(&path, word, gist, &choices));
            }
            plugins.push(HttpPlugin {
                name: plugin.name,
                addr: plugin.addr,
                path: plugin.path,
                ops,
                tls_verify: plugin.tls_verify,
            });
        }
        plugins
    }

    /// Upstream checks nothing here, so what allows nothing is only warned about.
    fn allow_ports(&mut self, raw: &[RawPortRange]) -> PortRanges {
        if raw.is_empty() {
            return PortRanges::All;
        }
        let mut ranges = Vec::with_capacity(raw.len());
        for (index, range) in raw.iter().enumerate() {
            let (start, end) = if range.single > 0 {
                (range.single, range.single)
            } else {
                (range.start, range.end)
            };
            match port_range(start, end) {
                Some(range) => ranges.push(range),
                None => self.warn(
                    &format!("allowPorts[{index}]"),
                    format!("allowPorts[{index}] from {start} to {end} allows no port"),
                ),
            }
        }
        PortRanges::only(ranges)
    }

    fn server_transport(&mut self, raw: RawServerTransport) -> ServerTransport {
        let tcp_mux = self.tcp_mux(raw.tcp_mux, raw.tcp_mux_keepalive_interval);
        let heartbeat_timeout = match (raw.heartbeat_timeout, &tcp_mux) {
            (0, Some(_)) => None,
            (found, _) => seconds(found, 90),
        };
        let tls = &raw.tls;
        let identity = self.identity(
            "transport.tls",
            ("certFile", "keyFile"),
            (&tls.cert_file, &tls.key_file),
        );
        let trusted_ca = path(raw.tls.trusted_ca_file);
        ServerTransport {
            tcp_mux,
            tcp_keepalive: seconds(raw.tcp_keepalive, 7200),
            max_pool_count: count(raw.max_pool_count, 5),
            heartbeat_timeout,
            quic: self.quic(&raw.quic),
            tls: ServerTls {
                force: raw.tls.force || trusted_ca.is_some(),
                identity,
                trusted_ca,
            },
        }
    }

    /// Upstream does not check this port and fails at start; a negative one is off.
    fn ssh_tunnel_gateway(&mut self, raw: RawSshTunnelGateway) -> Option<SshTunnelGateway> {
        let path_text = "sshTunnelGateway.bindPort";
        let bind_port = self.optional_port(path_text, path_text, raw.bind_port.max(0))?;
        let auto = text(raw.auto_gen_private_key_path, "./.autogen_ssh_key");
        Some(SshTunnelGateway {
            bind_port,
            private_key_file: path(raw.private_key_file),
            auto_gen_private_key_path: auto.into(),
            authorized_keys_file: path(raw.authorized_keys_file),
        })
    }
}

/// The ports of `start..=end` that exist; `None` if there are none.
fn port_range(start: i64, end: i64) -> Option<RangeInclusive<u16>> {
    let most = i64::from(Port::MAX.get());
    let (start, end) = (start.max(1), end.min(most));
    (start <= end).then_some(u16::try_from(start).ok()?..=u16::try_from(end).ok()?)
}
