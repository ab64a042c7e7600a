//! `/api/status`: how far each proxy is (api 1).

use std::{collections::BTreeMap, sync::Arc};

use culvert_conf::{Backend, Defined, ProxyConfig, ProxyKind};
use culvert_http::web::{Answer, Request};
use culvert_transport::Target;
use serde::Serialize;

use super::Admin;
use crate::{
    proxies::{Phase, ProxyRow},
    servers::ProxyAt,
};

/// A proxy; keys and their order are upstream's.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    status: &'static str,
    err: String,
    local_addr: String,
    plugin: &'static str,
    remote_addr: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    source: &'static str,
    /// Ours: at each of several servers that are to publish it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    servers: Vec<AtServer>,
}

/// How far a proxy is at one server.
#[derive(Debug, Serialize)]
struct AtServer {
    name: String,
    status: &'static str,
    err: String,
}

/// `GET /api/status`: the proxies by type; none before the first login.
pub(super) async fn answer(admin: Arc<Admin>, _: Request) -> Answer {
    let stored = admin.setup.stored().await.unwrap_or_default();
    let servers = &admin.setup.servers;
    let mut by_type: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let rows = if servers.was_online() {
        servers.proxies()
    } else {
        Vec::new()
    };
    for at in rows {
        let from_store = stored.find(Defined::Proxy, &at.row.config.name);
        let source = match from_store {
            Some(definition) if definition.is_enabled() => "store",
            _ => "",
        };
        let row = Row::new(at, source);
        by_type.entry(row.kind).or_default().push(row);
    }
    Answer::json(&by_type)
}

impl Row {
    fn new(at: ProxyAt, source: &'static str) -> Self {
        let ProxyRow { config, phase } = at.row;
        let each = at.each.into_iter().map(|(name, phase)| AtServer {
            name,
            status: phase.as_str(),
            err: phase.error().to_owned(),
        });
        let (local_addr, plugin) = match &config.backend {
            Backend::Local { port: 0, .. } => (String::new(), ""),
            Backend::Local { ip, port } => (Target::new(ip, *port).to_string(), ""),
            Backend::Plugin(plugin) => (String::new(), plugin.kind_name()),
        };
        Self {
            kind: config.kind_name(),
            status: phase.as_str(),
            err: phase.error().to_owned(),
            local_addr,
            plugin,
            remote_addr: remote(&config, &phase, &at.server_addr),
            source,
            servers: each.collect(),
            name: config.name,
        }
    }
}

/// Where users find the proxy. A server tells only the port of those that have one.
fn remote(config: &ProxyConfig, phase: &Phase, server: &str) -> String {
    let Phase::Running(told) = phase else {
        return String::new();
    };
    match config.kind {
        ProxyKind::Tcp { .. } | ProxyKind::Udp { .. } => format!("{server}{told}"),
        _ => told.clone(),
    }
}
