//! The checks of frpc (upstream: pkg/config/v1/validation/client.go, oidc.go).

use std::collections::BTreeMap;
use std::path::Path;

use super::servers::Elsewhere;
use super::{Checker, count, optional, path, seconds, text};
use crate::client::{
    ClientAuth, ClientConfig, ClientTls, ClientTlsOn, ClientTransport, Heartbeat, Protocol,
    WireVersion,
};
use crate::definition::Definitions;
use crate::error::{Entry, Fault};
use crate::network::Network;
use crate::proxy::ProxyConfig;
use crate::raw::client::{RawClient, RawClientAuth, RawClientTls, RawClientTransport};
use crate::raw::proxy::RawProxy;
use crate::raw::visitor::RawVisitor;
use crate::sessions::{Sessions, WorkConns};
use crate::types::{AuthMethod, Port, Secret, TcpMux};
use crate::visitor::VisitorConfig;

/// The whole file; `folder` is where it lies.
pub(crate) fn client(checker: &mut Checker<'_>, raw: RawClient, folder: &Path) -> ClientConfig {
    let names: Vec<_> = raw
        .proxies
        .iter()
        .map(|p| (p.index, p.base.name.as_str()))
        .collect();
    checker.unique("proxy", "proxies", &names);
    let names: Vec<_> = raw
        .visitors
        .iter()
        .map(|v| (v.index, v.base.name.as_str()))
        .collect();
    checker.unique("visitor", "visitors", &names);
    let virtual_net_address = checker.virtual_net(raw.virtual_net.address, &raw.feature_gates);
    let auth = checker.client_auth(raw.auth);
    let log = checker.log(raw.log);
    let web_server = checker.web_server(raw.web_server, false);
    let mut transport = checker.client_transport(raw.transport);
    if let Some(file) = &mut transport.auto.state_file {
        *file = folder.join(&*file);
    }
    checker.includes(&raw.includes);
    let server_port = checker.port("serverPort", "serverPort", raw.server_port);
    let elsewhere = Elsewhere {
        has_addr: !raw.server_addr.is_empty(),
        has_port: raw.server_port != 0,
    };
    let servers = checker.servers(raw.servers, &raw.server_policy, elsewhere);
    let proxies = checker.proxies(raw.proxies, &raw.start);
    let visitors = checker.visitors(raw.visitors, &raw.start, &raw.user);
    ClientConfig {
        user: raw.user,
        client_id: raw.client_id,
        server_addr: text(raw.server_addr, "0.0.0.0"),
        server_port: if server_port == 0 { 7000 } else { server_port },
        server_srv: None,
        servers,
        nat_hole_stun_server: text(raw.nat_hole_stun_server, "stun.easyvoip.com:3478"),
        dns_server: optional(raw.dns_server).map(|server| with_port(&server, 53)),
        login_fail_exit: raw.login_fail_exit.unwrap_or(true),
        start: raw.start,
        udp_packet_size: checker.udp_packet_size(raw.udp_packet_size),
        metadatas: raw.metadatas,
        feature_gates: raw.feature_gates,
        virtual_net_address,
        store: path(raw.store.path).map(|path| folder.join(path)),
        auth,
        log,
        web_server,
        transport,
        watch_config: raw.watch_config,
        definitions: Definitions::of(checker.tree),
        proxies,
        visitors,
    }
}

/// Adds a port to an address that has none.
fn with_port(server: &str, port: u16) -> String {
    if server.parse::<std::net::Ipv6Addr>().is_ok() {
        return format!("[{server}]:{port}");
    }
    match server.rsplit_once(':') {
        Some((host, _)) if !host.contains(':') || host.ends_with(']') => server.to_owned(),
        _ => format!("{server}:{port}"),
    }
}

impl Checker<'_> {
    /// Notes every name that was used before in the list. Upstream looks at all entries, also
    /// those that are not to run.
    pub(super) fn unique(&mut self, what: &'static str, list: &str, names: &[(usize, &str)]) {
        let mut first: BTreeMap<&str, (&str, u32)> = BTreeMap::new();
        for (index, name) in names.iter().filter(|(_, name)| !name.is_empty()) {
            let path = format!("{list}[{index}].name");
            let place = self.files.place(self.tree.line_of(&path));
            let Some((file, line)) = first.get(name) else {
                first.insert(name, place);
                continue;
            };
            let elsewhere = if *file == place.0 {
                String::new()
            } else {
                format!(" of {file}")
            };
            let fault = Fault::Duplicate {
                what,
                name: (*name).to_owned(),
                first: *line,
                elsewhere,
            };
            self.fault(&path, fault);
        }
    }

    fn virtual_net(&mut self, address: String, gates: &BTreeMap<String, bool>) -> Option<Network> {
        let found = optional(address)?;
        if gates.get("VirtualNet") != Some(&true) {
            let gist = "VirtualNet feature is not enabled; enable it by setting the appropriate feature gate flag";
            self.conflict(
                "virtualNet.address",
                gist,
                "set featureGates.VirtualNet = true",
            );
        }
        let path = "virtualNet.address";
        let remedy = "write an address with its network, such as 100.86.0.1/24";
        found
            .parse()
            .map_err(|_| self.bad(path, &found, format!("invalid {path}"), remedy))
            .ok()
    }

    /// Where there is only a text, nothing is read besides it.
    fn includes(&mut self, includes: &[String]) {
        if self.reads_includes {
            return;
        }
        for (index, include) in includes.iter().enumerate() {
            let path = format!("includes[{index}]");
            let remedy = format!("write the proxies of {include:?} into this file");
            self.fault(
                &path,
                Fault::Unsupported {
                    path: path.clone(),
                    remedy,
                },
            );
        }
    }

    fn client_auth(&mut self, raw: RawClientAuth) -> ClientAuth {
        let is_oidc = self.is_oidc(&raw.method);
        let scopes = self.scopes(&raw.additional_scopes);
        let method = self.token(raw.token.clone(), raw.token_source);
        let method = match self.client_oidc(raw.oidc, is_oidc) {
            Some(oidc) => AuthMethod::Oidc {
                oidc: Box::new(oidc),
                token: raw.token,
            },
            None => method,
        };
        ClientAuth { method, scopes }
    }

    fn client_transport(&mut self, raw: RawClientTransport) -> ClientTransport {
        let tcp_mux = self.tcp_mux(raw.tcp_mux, raw.tcp_mux_keepalive_interval);
        let heartbeat = self.heartbeat(&raw, tcp_mux.as_ref());
        let protocol = self.protocol("transport.protocol", &raw.protocol);
        let gist = "invalid transport.wireProtocol, optional values are [v1 v2]";
        let versions = [
            ("", WireVersion::V1),
            ("v1", WireVersion::V1),
            ("v2", WireVersion::V2),
        ];
        let wire = self.choice(
            "transport.wireProtocol",
            &raw.wire_protocol,
            gist,
            &versions,
        );
        let tls = self.client_tls(raw.tls);
        let timeout = "transport.dialServerTimeout";
        let local_ip = optional(raw.connect_server_local_ip).and_then(|found| {
            let path = "transport.connectServerLocalIP";
            let remedy = "write an IP address of this machine";
            found
                .parse()
                .map_err(|_| self.bad(path, &found, format!("invalid {path}"), remedy))
                .ok()
        });
        let sessions = raw.sessions.0.unwrap_or_default();
        if tcp_mux.is_none() && protocol != Protocol::Quic && sessions != Sessions::default() {
            let text = "without transport.tcpMux every stream has a connection of its own, \
                        transport.sessions does nothing";
            self.warn("transport.sessions", text);
        }
        ClientTransport {
            auto: self.auto_transport(raw.auto),
            own: self.free_table(&raw.protocol),
            sessions,
            work_conns: self.work_conns(&raw.work_conn_protocol, raw.work_conn_port),
            protocol,
            wire,
            dial_timeout: self.positive_seconds(timeout, raw.dial_server_timeout, 10),
            dial_keepalive: seconds(raw.dial_server_keepalive, 7200),
            connect_local_ip: local_ip,
            proxy_url: secret(raw.proxy_url),
            pool_count: count(raw.pool_count, 1),
            tcp_mux,
            heartbeat,
            quic: self.quic(&raw.quic),
            tls,
        }
    }

    /// Another way for work connections than that of the control connection.
    fn work_conns(&mut self, protocol: &str, port: i64) -> Option<WorkConns> {
        let key = "transport.workConnPort";
        let port = self.optional_port(key, key, port).map(Port::get);
        if protocol.is_empty() {
            if port.is_some() {
                let gist = format!("{key} needs transport.workConnProtocol");
                self.conflict(
                    key,
                    gist,
                    "set transport.workConnProtocol, such as \"quic\"",
                );
            }
            return None;
        }
        Some(WorkConns {
            protocol: self.protocol("transport.workConnProtocol", protocol),
            own: self.free_table(protocol),
            port,
        })
    }

    /// The transport of the word at `path`.
    pub(super) fn protocol(&mut self, path: &str, found: &str) -> Protocol {
        match found {
            "" | "tcp" => Protocol::Tcp,
            "kcp" => Protocol::Kcp,
            "quic" => Protocol::Quic,
            "websocket" => Protocol::Websocket,
            "wss" => Protocol::Wss,
            "auto" => Protocol::Auto,
            other if self.is_extension(path, other) => Protocol::Other(other.to_owned()),
            other => {
                let words = "[tcp kcp quic websocket wss]";
                let gist = format!("invalid {path}, optional values are {words}");
                self.no_such_transport(path, other, gist);
                Protocol::Tcp
            }
        }
    }

    fn heartbeat(&mut self, raw: &RawClientTransport, mux: Option<&TcpMux>) -> Option<Heartbeat> {
        // Not written: off when yamux probes the connection already.
        let default = |found, default| match (found, mux) {
            (0, Some(_)) => None,
            _ => seconds(found, default),
        };
        let interval = default(raw.heartbeat_interval, 30)?;
        let timeout = default(raw.heartbeat_timeout, 90);
        if timeout.is_some_and(|timeout| timeout < interval) {
            let gist = "invalid transport.heartbeatTimeout, heartbeat timeout should not less than heartbeat interval";
            let remedy = format!(
                "set transport.heartbeatTimeout to {} or more",
                interval.as_secs().saturating_mul(3)
            );
            self.conflict("transport.heartbeatTimeout", gist, remedy);
        }
        Some(Heartbeat { interval, timeout })
    }

    fn client_tls(&mut self, raw: RawClientTls) -> ClientTls {
        if raw.enable == Some(false) {
            let files = [
                ("certFile", &raw.cert_file),
                ("keyFile", &raw.key_file),
                ("trustedCaFile", &raw.trusted_ca_file),
            ];
            for (key, _) in files.iter().filter(|(_, file)| !file.is_empty()) {
                let key = format!("transport.tls.{key}");
                let text = format!("{key} is invalid when transport.tls.enable is false");
                self.warn(&key, text);
            }
            return ClientTls { enabled: None };
        }
        let identity = self.identity(
            "transport.tls",
            ("certFile", "keyFile"),
            (&raw.cert_file, &raw.key_file),
        );
        ClientTls {
            enabled: Some(ClientTlsOn {
                custom_first_byte: raw.disable_custom_tls_first_byte == Some(false),
                identity,
                trusted_ca: path(raw.trusted_ca_file),
                server_name: optional(raw.server_name),
            }),
        }
    }

    fn proxies(&mut self, raw: Vec<RawProxy>, start: &[String]) -> Vec<ProxyConfig> {
        let mut proxies: Vec<_> = raw
            .into_iter()
            .filter(|raw| runs(&raw.base.name, raw.base.enabled, start))
            .map(|raw| {
                self.entry = Entry::Proxy(raw.base.name.clone());
                self.proxy(raw)
            })
            .collect();
        self.entry = Entry::Common;
        proxies.sort_by_cached_key(|proxy| proxy.name.clone());
        proxies
    }

    fn visitors(
        &mut self,
        raw: Vec<RawVisitor>,
        start: &[String],
        user: &str,
    ) -> Vec<VisitorConfig> {
        let mut visitors: Vec<_> = raw
            .into_iter()
            .filter(|raw| runs(&raw.base.name, raw.base.enabled, start))
            .map(|raw| {
                self.entry = Entry::Visitor(raw.base.name.clone());
                self.visitor(raw, user)
            })
            .collect();
        self.entry = Entry::Common;
        visitors.sort_by_cached_key(|visitor| visitor.name.clone());
        visitors
    }
}

/// Whether an entry is to run: asked for by `start`, and not disabled.
fn runs(name: &str, enabled: Option<bool>, start: &[String]) -> bool {
    enabled != Some(false) && (start.is_empty() || start.iter().any(|wanted| wanted == name))
}

/// A secret that is off when it is empty.
pub(super) fn secret(found: Secret) -> Option<Secret> {
    (!found.is_empty()).then_some(found)
}
