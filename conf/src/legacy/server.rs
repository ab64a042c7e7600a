//! The legacy file of frps (upstream: pkg/config/legacy/server.go, conversion.go).

use super::build::Kind::{Flag, Int, List, Text};
use super::build::{Row, Table, flag};
use super::ini::{COMMON, Section};
use super::{SHARED_ROWS, scopes};
use crate::tree::{Node, Value};

/// What begins the name of a section of an HTTP plugin.
const PLUGIN: &str = "plugin.";

const COMMON_ROWS: &[Row] = &[
    ("bind_addr", "bindAddr", Text),
    ("bind_port", "bindPort", Int),
    ("kcp_bind_port", "kcpBindPort", Int),
    ("quic_bind_port", "quicBindPort", Int),
    ("proxy_bind_addr", "proxyBindAddr", Text),
    ("vhost_http_port", "vhostHTTPPort", Int),
    ("vhost_https_port", "vhostHTTPSPort", Int),
    ("vhost_http_timeout", "vhostHTTPTimeout", Int),
    ("tcpmux_httpconnect_port", "tcpmuxHTTPConnectPort", Int),
    ("tcpmux_passthrough", "tcpmuxPassthrough", Flag),
    ("dashboard_addr", "webServer.addr", Text),
    ("dashboard_port", "webServer.port", Int),
    ("dashboard_user", "webServer.user", Text),
    ("dashboard_pwd", "webServer.password", Text),
    ("enable_prometheus", "enablePrometheus", Flag),
    ("detailed_errors_to_client", "detailedErrorsToClient", Flag),
    ("subdomain_host", "subDomainHost", Text),
    ("custom_404_page", "custom404Page", Text),
    ("tcp_keepalive", "transport.tcpKeepalive", Int),
    ("max_pool_count", "transport.maxPoolCount", Int),
    ("max_ports_per_client", "maxPortsPerClient", Int),
    ("user_conn_timeout", "userConnTimeout", Int),
    (
        "nat_hole_analysis_data_reserve_hours",
        "natholeAnalysisDataReserveHours",
        Int,
    ),
    ("tls_only", "transport.tls.force", Flag),
    ("oidc_issuer", "auth.oidc.issuer", Text),
    ("oidc_skip_expiry_check", "auth.oidc.skipExpiryCheck", Flag),
    ("oidc_skip_issuer_check", "auth.oidc.skipIssuerCheck", Flag),
];

/// Read only with `dashboard_tls_mode`; that `pprof_enable` is among them is upstream's doing.
const DASHBOARD_TLS_ROWS: &[Row] = &[
    ("dashboard_tls_cert_file", "webServer.tls.certFile", Text),
    ("dashboard_tls_key_file", "webServer.tls.keyFile", Text),
    ("pprof_enable", "webServer.pprofEnable", Flag),
];

const PLUGIN_ROWS: &[Row] = &[
    ("addr", "addr", Text),
    ("path", "path", Text),
    ("ops", "ops", List),
    ("tlsVerify", "tlsVerify", Flag),
];

/// The tree of a file of frps.
pub(super) fn server(sections: &[Section]) -> Node {
    let mut table = Table::new(1);
    if let Some(common) = sections.iter().find(|section| section.name == COMMON) {
        table.put(
            "webServer.addr",
            common.line,
            Value::String("0.0.0.0".to_owned()),
        );
        table.rows(common, COMMON_ROWS);
        table.rows(common, SHARED_ROWS);
        scopes(common, &mut table);
        if let Some(entry) = common.entry("dashboard_tls_mode")
            && flag(&entry.value) == Some(true)
        {
            table.put("webServer.tls", entry.line, Value::Table(Vec::new()));
            table.rows(common, DASHBOARD_TLS_ROWS);
        }
        if let Some(entry) = common.entry("allow_ports")
            && let Some(ports) = allow_ports(&entry.value, entry.line)
        {
            table.put("allowPorts", entry.line, Value::Array(ports));
        }
    }
    let plugins: Vec<Node> = sections
        .iter()
        .filter_map(|section| Some(plugin(section, section.name.strip_prefix(PLUGIN)?)))
        .collect();
    if let Some(first) = plugins.first() {
        table.put("httpPlugins", first.line, Value::Array(plugins));
    }
    table.done()
}

fn plugin(section: &Section, name: &str) -> Node {
    let mut table = Table::new(section.line);
    table.put("name", section.line, Value::String(name.to_owned()));
    table.rows(section, PLUGIN_ROWS);
    table.done()
}

/// `1000-2000,3000` as the present format has it; `None` if it is malformed, and then upstream
/// takes it as not written.
fn allow_ports(text: &str, line: u32) -> Option<Vec<Node>> {
    let number = |word: &str| word.trim().parse::<i64>().ok();
    text.trim()
        .split(',')
        .map(|part| {
            let mut table = Table::new(line);
            match part.split_once('-') {
                None => table.put("single", line, Value::Int(number(part)?)),
                Some((start, end)) => {
                    let (start, end) = (number(start)?, number(end)?);
                    if end < start {
                        return None;
                    }
                    table.put("start", line, Value::Int(start));
                    table.put("end", line, Value::Int(end));
                }
            }
            Some(table.done())
        })
        .collect()
}
