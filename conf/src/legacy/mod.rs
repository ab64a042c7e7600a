//! The legacy INI format: its text and where each of its keys belongs in the present one
//! (upstream: pkg/config/legacy).
//!
//! What its reader does is kept: keys differ by case, unknown keys and values that cannot be read
//! are as if they were not written, a key alone is `true`, and `;` or `#` behind a value belong to
//! the value.

mod build;
mod client;
mod ini;
mod server;

use build::{Kind, Row, Table, flag};
use ini::{COMMON, Section};

use crate::reading::Role;
use crate::tree::{Node, Value};

/// The keys that both programs have. `log_way` has no meaning any more.
const SHARED_ROWS: &[Row] = &[
    ("token", "auth.token", Kind::Text),
    ("authentication_method", "auth.method", Kind::Text),
    ("oidc_audience", "auth.oidc.audience", Kind::Text),
    ("tcp_mux", "transport.tcpMux", Kind::Flag),
    (
        "tcp_mux_keepalive_interval",
        "transport.tcpMuxKeepaliveInterval",
        Kind::Int,
    ),
    ("heartbeat_timeout", "transport.heartbeatTimeout", Kind::Int),
    (
        "quic_keepalive_period",
        "transport.quic.keepalivePeriod",
        Kind::Int,
    ),
    (
        "quic_max_idle_timeout",
        "transport.quic.maxIdleTimeout",
        Kind::Int,
    ),
    (
        "quic_max_incoming_streams",
        "transport.quic.maxIncomingStreams",
        Kind::Int,
    ),
    ("tls_cert_file", "transport.tls.certFile", Kind::Text),
    ("tls_key_file", "transport.tls.keyFile", Kind::Text),
    (
        "tls_trusted_ca_file",
        "transport.tls.trustedCaFile",
        Kind::Text,
    ),
    ("assets_dir", "webServer.assetsDir", Kind::Text),
    ("udp_packet_size", "udpPacketSize", Kind::Int),
    ("log_file", "log.to", Kind::Text),
    ("log_level", "log.level", Kind::Text),
    ("log_max_days", "log.maxDays", Kind::Int),
    ("disable_log_color", "log.disablePrintColor", Kind::Flag),
];

/// What is wrong with a file of this format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failed {
    /// The line.
    pub line: u32,
    /// What is wrong there, in upstream's words.
    pub reason: String,
}

impl Failed {
    /// At `key` of `section`, or at the section if the key is not written.
    fn at(section: &Section, key: &str, reason: String) -> Self {
        let line = section.entry(key).map_or(section.line, |entry| entry.line);
        Self { line, reason }
    }
}

/// Whether a text is of this format: it can be read as one and has a section `common`, whatever
/// else it may be (pkg/config/load.go).
pub(crate) fn is_legacy(text: &str) -> bool {
    ini::sections(text).is_some_and(|all| all.iter().any(|section| section.name == COMMON))
}

/// The patterns of `includes`, with their line.
pub(crate) fn includes(text: &str) -> Vec<(u32, String)> {
    let sections = ini::sections(text).unwrap_or_default();
    let common = sections.iter().find(|section| section.name == COMMON);
    let entry = common.and_then(|common| common.entry("includes"));
    let patterns = entry
        .into_iter()
        .flat_map(|entry| build::words(&entry.value).map(|word| (entry.line, word.to_owned())));
    patterns.filter(|(_, word)| !word.is_empty()).collect()
}

/// The tree that a file of the present format with the same meaning has. Of `more`, which stands
/// behind `text`, only proxies and visitors count.
pub(crate) fn parse(text: &str, more: &str, role: Role) -> Result<Node, Failed> {
    let sections = |text: &str| {
        ini::sections(text).ok_or_else(|| Failed {
            line: 1,
            reason: "the text is no INI after its templates and includes were put in".to_owned(),
        })
    };
    let main = sections(text)?;
    match role {
        Role::Server => Ok(server::server(&main)),
        Role::Client if more.is_empty() => client::client(&main, &main),
        Role::Client => client::client(&main, &sections(&format!("{text}\n{more}"))?),
    }
}

/// What else is authenticated besides the login.
fn scopes(common: &Section, table: &mut Table) {
    let asked = [
        ("authenticate_heartbeats", "HeartBeats"),
        ("authenticate_new_work_conns", "NewWorkConns"),
    ];
    let scopes: Vec<Node> = asked
        .into_iter()
        .filter_map(|(key, scope)| {
            let entry = common.entry(key)?;
            let value = Value::String(scope.to_owned());
            (flag(&entry.value) == Some(true)).then_some(Node {
                line: entry.line,
                value,
            })
        })
        .collect();
    if let Some(first) = scopes.first() {
        table.put("auth.additionalScopes", first.line, Value::Array(scopes));
    }
}

#[cfg(test)]
mod tests;
