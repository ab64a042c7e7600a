//! What handlers look at: the configuration's public part and the figures.

use std::{collections::BTreeMap, ops::RangeInclusive, sync::Arc, time::Duration};

use chrono::{DateTime, Local};
use culvert_conf::{Port, PortRanges, ServerConfig};
use culvert_io::Scope;
use serde::Serialize;

use crate::{
    figures::{Clients, Counts, Proxies},
    registry::Registry,
    server::Settings,
};

/// What handlers look at.
#[derive(Debug)]
pub(super) struct View {
    settings: Settings,
    pub(super) clients: Arc<Clients>,
    pub(super) proxies: Arc<Proxies>,
    pub(super) counts: Arc<Counts>,
    pub(super) registry: Arc<Registry>,
    /// Where all tasks of the server live.
    pub(super) root: Scope,
}

/// The part of the configuration that is shown, named and ordered as upstream has it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    bind_port: u16,
    #[serde(rename = "vhostHTTPPort")]
    vhost_http_port: u16,
    #[serde(rename = "vhostHTTPSPort")]
    vhost_https_port: u16,
    #[serde(rename = "tcpmuxHTTPConnectPort")]
    tcpmux_http_connect_port: u16,
    kcp_bind_port: u16,
    quic_bind_port: u16,
    subdomain_host: String,
    max_pool_count: u32,
    max_ports_per_client: u32,
    heartbeat_timeout: i64,
}

/// What changes all the time.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    total_traffic_in: u64,
    total_traffic_out: u64,
    cur_conns: u64,
    client_counts: usize,
    proxy_type_count: BTreeMap<String, u64>,
}

impl Status {
    /// Bytes of today, in and out.
    pub(super) const fn traffic(&self) -> (u64, u64) {
        (self.total_traffic_in, self.total_traffic_out)
    }
}

impl View {
    pub(super) fn new(
        settings: Settings,
        clients: Arc<Clients>,
        proxies: Arc<Proxies>,
        root: Scope,
    ) -> Self {
        Self {
            settings,
            clients,
            proxies,
            counts: Arc::default(),
            registry: Arc::default(),
            root,
        }
    }

    /// The same view of a server that has sessions and counts its work.
    pub(super) fn of(mut self, counts: Arc<Counts>, registry: Arc<Registry>) -> Self {
        self.counts = counts;
        self.registry = registry;
        self
    }

    /// What is shown of the configuration.
    pub(super) fn config(&self) -> Config {
        Config::new(&self.settings.load())
    }

    /// `allowPorts` as a flag has it; empty when every port is allowed.
    pub(super) fn allow_ports(&self) -> String {
        ranges(&self.settings.load().allow_ports)
    }

    /// Whether clients without TLS are refused.
    pub(super) fn tls_force(&self) -> bool {
        self.settings.load().transport.tls.force
    }

    /// What tells a leak, for `/debug/pprof/`.
    pub(super) fn counts(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("tasks", self.root.tasks() as u64),
            ("clients", self.clients.online() as u64),
            ("connections", self.proxies.connections()),
        ]
    }

    pub(super) fn status(&self, now: DateTime<Local>) -> Status {
        let today = self.proxies.today(now);
        Status {
            total_traffic_in: today.inward,
            total_traffic_out: today.outward,
            cur_conns: self.proxies.connections(),
            client_counts: self.clients.online(),
            proxy_type_count: self.proxies.kinds(),
        }
    }
}

impl Config {
    fn new(config: &ServerConfig) -> Self {
        let port = |port: Option<Port>| port.map_or(0, u16::from);
        let seconds = |d: Duration| i64::try_from(d.as_secs()).unwrap_or(i64::MAX);
        Self {
            bind_port: config.bind_port,
            vhost_http_port: port(config.vhost_http_port),
            vhost_https_port: port(config.vhost_https_port),
            tcpmux_http_connect_port: port(config.tcpmux_http_connect.map(|mux| mux.port)),
            kcp_bind_port: port(config.kcp_bind_port),
            quic_bind_port: port(config.quic_bind_port),
            subdomain_host: config.sub_domain_host.clone().unwrap_or_default(),
            max_pool_count: config.transport.max_pool_count,
            max_ports_per_client: config.max_ports_per_client.map_or(0, u32::from),
            heartbeat_timeout: config.transport.heartbeat_timeout.map_or(-1, seconds),
        }
    }
}

/// As a flag has it: `41000-41200,42000`; empty when every port is allowed.
fn ranges(ports: &PortRanges) -> String {
    let PortRanges::Only(ranges) = ports else {
        return String::new();
    };
    let text = |r: &RangeInclusive<u16>| match (r.start(), r.end()) {
        (start, end) if start == end => start.to_string(),
        (start, end) => format!("{start}-{end}"),
    };
    ranges.iter().map(text).collect::<Vec<_>>().join(",")
}
