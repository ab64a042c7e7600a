//! The legacy file of frpc (upstream: pkg/config/legacy/client.go, proxy.go, visitor.go,
//! conversion.go).

use super::build::Kind::{Flag, Int, List, Text};
use super::build::{Row, Table, words};
use super::ini::{COMMON, DEFAULT, Entry, Section};
use super::{Failed, SHARED_ROWS, scopes};
use crate::raw::proxy::PROXY_TYPES;
use crate::raw::visitor::VISITOR_TYPES;
use crate::template::numbers;
use crate::tree::{Node, Value};

/// What begins the name of a section that stands for many proxies.
const RANGE: &str = "range:";

const COMMON_ROWS: &[Row] = &[
    ("server_addr", "serverAddr", Text),
    ("server_port", "serverPort", Int),
    ("user", "user", Text),
    ("oidc_client_id", "auth.oidc.clientID", Text),
    ("oidc_client_secret", "auth.oidc.clientSecret", Text),
    ("oidc_scope", "auth.oidc.scope", Text),
    (
        "oidc_token_endpoint_url",
        "auth.oidc.tokenEndpointURL",
        Text,
    ),
    ("nat_hole_stun_server", "natHoleStunServer", Text),
    ("dial_server_timeout", "transport.dialServerTimeout", Int),
    (
        "dial_server_keepalive",
        "transport.dialServerKeepalive",
        Int,
    ),
    (
        "connect_server_local_ip",
        "transport.connectServerLocalIP",
        Text,
    ),
    ("http_proxy", "transport.proxyURL", Text),
    ("pool_count", "transport.poolCount", Int),
    ("protocol", "transport.protocol", Text),
    ("heartbeat_interval", "transport.heartbeatInterval", Int),
    ("tls_enable", "transport.tls.enable", Flag),
    (
        "disable_custom_tls_first_byte",
        "transport.tls.disableCustomTLSFirstByte",
        Flag,
    ),
    ("tls_server_name", "transport.tls.serverName", Text),
    ("admin_addr", "webServer.addr", Text),
    ("admin_port", "webServer.port", Int),
    ("admin_user", "webServer.user", Text),
    ("admin_pwd", "webServer.password", Text),
    ("pprof_enable", "webServer.pprofEnable", Flag),
    ("dns_server", "dnsServer", Text),
    ("login_fail_exit", "loginFailExit", Flag),
    ("start", "start", List),
    ("includes", "includes", List),
];

/// Keys that a type does not have are left out when the tree is read.
const PROXY_ROWS: &[Row] = &[
    ("local_ip", "localIP", Text),
    ("local_port", "localPort", Int),
    ("remote_port", "remotePort", Int),
    ("use_encryption", "transport.useEncryption", Flag),
    ("use_compression", "transport.useCompression", Flag),
    ("bandwidth_limit", "transport.bandwidthLimit", Text),
    ("bandwidth_limit_mode", "transport.bandwidthLimitMode", Text),
    (
        "proxy_protocol_version",
        "transport.proxyProtocolVersion",
        Text,
    ),
    ("group", "loadBalancer.group", Text),
    ("group_key", "loadBalancer.groupKey", Text),
    ("health_check_type", "healthCheck.type", Text),
    ("health_check_timeout_s", "healthCheck.timeoutSeconds", Int),
    ("health_check_max_failed", "healthCheck.maxFailed", Int),
    (
        "health_check_interval_s",
        "healthCheck.intervalSeconds",
        Int,
    ),
    ("health_check_url", "healthCheck.path", Text),
    ("custom_domains", "customDomains", List),
    ("subdomain", "subdomain", Text),
    ("locations", "locations", List),
    ("http_user", "httpUser", Text),
    ("http_pwd", "httpPassword", Text),
    ("host_header_rewrite", "hostHeaderRewrite", Text),
    ("route_by_http_user", "routeByHTTPUser", Text),
    ("multiplexer", "multiplexer", Text),
    ("sk", "secretKey", Text),
    ("allow_users", "allowUsers", List),
];

const PLUGIN_ROWS: &[Row] = &[
    ("plugin", "plugin.type", Text),
    ("plugin_local_addr", "plugin.localAddr", Text),
    (
        "plugin_host_header_rewrite",
        "plugin.hostHeaderRewrite",
        Text,
    ),
    ("plugin_crt_path", "plugin.crtPath", Text),
    ("plugin_key_path", "plugin.keyPath", Text),
    ("plugin_http_user", "plugin.httpUser", Text),
    ("plugin_http_passwd", "plugin.httpPassword", Text),
    ("plugin_user", "plugin.username", Text),
    ("plugin_passwd", "plugin.password", Text),
    ("plugin_local_path", "plugin.localPath", Text),
    ("plugin_strip_prefix", "plugin.stripPrefix", Text),
    ("plugin_unix_path", "plugin.unixPath", Text),
];

const VISITOR_ROWS: &[Row] = &[
    ("use_encryption", "transport.useEncryption", Flag),
    ("use_compression", "transport.useCompression", Flag),
    ("sk", "secretKey", Text),
    ("server_user", "serverUser", Text),
    ("server_name", "serverName", Text),
    ("bind_addr", "bindAddr", Text),
    ("bind_port", "bindPort", Int),
    ("protocol", "protocol", Text),
    ("keep_tunnel_open", "keepTunnelOpen", Flag),
    ("max_retries_an_hour", "maxRetriesAnHour", Int),
    ("min_retry_interval", "minRetryInterval", Int),
    ("fallback_to", "fallbackTo", Text),
    ("fallback_timeout_ms", "fallbackTimeoutMs", Int),
];

/// The tree of a file of frpc; `all` are the sections of `sections` and of what is included.
pub(super) fn client(sections: &[Section], all: &[Section]) -> Result<Node, Failed> {
    let mut table = Table::new(1);
    let mut start: Vec<&str> = Vec::new();
    if let Some(common) = sections.iter().find(|section| section.name == COMMON) {
        check_common(common)?;
        table.rows(common, COMMON_ROWS);
        table.rows(common, SHARED_ROWS);
        table.prefixed(
            common,
            "oidc_additional_",
            "auth.oidc.additionalEndpointParams",
        );
        table.prefixed(common, "meta_", "metadatas");
        scopes(common, &mut table);
        start.extend(words(common.get("start")).filter(|word| !word.is_empty()));
    }
    let (mut proxies, mut visitors) = (Vec::new(), Vec::new());
    for section in expanded(all)? {
        let name = section.name.as_str();
        if !start.is_empty() && !start.contains(&name) {
            continue;
        }
        match section.get("role") {
            "" | "server" => proxies.push(proxy(&section)?),
            "visitor" => visitors.push(visitor(&section)?),
            _ => {
                let reason = format!("proxy {name} role should be 'server' or 'visitor'");
                return Err(Failed::at(&section, "role", reason));
            }
        }
    }
    for (path, entries) in [("proxies", proxies), ("visitors", visitors)] {
        let line = entries.first().map_or(1, |entry: &Node| entry.line);
        table.put(path, line, Value::Array(entries));
    }
    Ok(table.done())
}

/// The checks that the legacy format has for itself.
fn check_common(common: &Section) -> Result<(), Failed> {
    let number = |key| crate::template::whole_number(common.get(key)).unwrap_or(0);
    let (interval, timeout) = (number("heartbeat_interval"), number("heartbeat_timeout"));
    if interval > 0 && timeout > 0 && timeout < interval {
        let reason = "parse config error: invalid heartbeat_timeout, heartbeat_timeout is less \
                      than heartbeat_interval";
        return Err(Failed::at(common, "heartbeat_timeout", reason.to_owned()));
    }
    let known = ["", "tcp", "kcp", "quic", "websocket", "wss"];
    if !known.contains(&common.get("protocol")) {
        let reason = "parse config error: invalid protocol; write one of tcp, kcp, quic, \
                      websocket, wss";
        return Err(Failed::at(common, "protocol", reason.to_owned()));
    }
    Ok(())
}

/// The sections of proxies and visitors, one for each number of a range.
fn expanded(sections: &[Section]) -> Result<Vec<Section>, Failed> {
    let mut all: Vec<Section> = Vec::new();
    for section in sections {
        match section.name.strip_prefix(RANGE) {
            Some(name) => all.extend(range(section, name.trim())?),
            None if section.name == COMMON || section.name == DEFAULT => {}
            None => all.push(section.clone()),
        }
    }
    Ok(all)
}

fn range(section: &Section, name: &str) -> Result<Vec<Section>, Failed> {
    let failed = |key, reason: String| {
        let text = format!(
            "failed to render template for proxy {}: {reason}",
            section.name
        );
        Failed::at(section, key, text)
    };
    let (local, remote) = (section.get("local_port"), section.get("remote_port"));
    if local.is_empty() || remote.is_empty() {
        return Err(failed("", "local_port or remote_port is empty".to_owned()));
    }
    let local = numbers(local).map_err(|reason| failed("local_port", reason))?;
    let remote = numbers(remote).map_err(|reason| failed("remote_port", reason))?;
    if local.len() != remote.len() {
        let reason = "local ports number should be same with remote ports number";
        return Err(failed("remote_port", reason.to_owned()));
    }
    let pairs = (0_u32..).zip(local.into_iter().zip(remote));
    Ok(pairs
        .map(|(index, ports)| one_of_range(section, name, index, ports))
        .collect())
}

fn one_of_range(section: &Section, name: &str, index: u32, ports: (i64, i64)) -> Section {
    let mut one = section.clone();
    one.name = format!("{name}_{index}");
    for (key, port) in [("local_port", ports.0), ("remote_port", ports.1)] {
        let line = section.entry(key).map_or(section.line, |entry| entry.line);
        one.set(Entry {
            key: key.to_owned(),
            value: port.to_string(),
            line,
        });
    }
    one
}

fn proxy(section: &Section) -> Result<Node, Failed> {
    let kind = match section.get("type") {
        "" => "tcp",
        kind if PROXY_TYPES.contains(&kind) => kind,
        kind => {
            let name = &section.name;
            let reason = format!("failed to parse proxy {name}, err: invalid type [{kind}]");
            return Err(Failed::at(section, "type", reason));
        }
    };
    let mut table = named(section, kind);
    table.rows(section, PROXY_ROWS);
    table.prefixed(section, "meta_", "metadatas");
    table.prefixed(section, "header_", "requestHeaders.set");
    if !section.get("plugin").is_empty() {
        table.rows(section, PLUGIN_ROWS);
        table.prefixed(section, "plugin_header_", "plugin.requestHeaders.set");
    }
    Ok(table.done())
}

fn visitor(section: &Section) -> Result<Node, Failed> {
    let kind = section.get("type");
    if !VISITOR_TYPES.contains(&kind) {
        let fault = match kind {
            "" => "type shouldn't be empty".to_owned(),
            _ => format!("type [{kind}] error"),
        };
        let reason = format!("failed to parse visitor {}, err: {fault}", section.name);
        return Err(Failed::at(section, "type", reason));
    }
    let mut table = named(section, kind);
    table.rows(section, VISITOR_ROWS);
    Ok(table.done())
}

fn named(section: &Section, kind: &str) -> Table {
    let mut table = Table::new(section.line);
    let line = section
        .entry("type")
        .map_or(section.line, |entry| entry.line);
    table.put("name", section.line, Value::String(section.name.clone()));
    table.put("type", line, Value::String(kind.to_owned()));
    table
}
