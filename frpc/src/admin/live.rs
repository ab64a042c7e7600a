//! `/api/live`: what goes on, each second. It is ours, not upstream's (docs/API.md).

use std::{
    future::{Ready, ready},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use culvert_http::web::{Answer, Feed, Request};
use serde::Serialize;

use super::Admin;
use crate::{
    proxies::Phase,
    servers::{ProxyAt, ServerRow, Servers},
};

/// What is told; bytes are counted since the start, times are in milliseconds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Now {
    time: u128,
    connected: bool,
    server: String,
    transport: String,
    /// Why this one, where it was chosen by us.
    #[serde(skip_serializing_if = "String::is_empty")]
    transport_reason: String,
    #[serde(rename = "runID")]
    run_id: String,
    rtt_ms: Option<f64>,
    proxies: usize,
    proxies_running: usize,
    visitors: usize,
    cur_conns: u64,
    total_traffic_in: u64,
    total_traffic_out: u64,
    in_per_second: u64,
    out_per_second: u64,
    /// Each of several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    servers: Vec<ServerRow>,
}

/// `GET /api/live`.
pub(super) fn handler(admin: &Arc<Admin>) -> impl Fn(Request) -> Ready<Answer> + use<> {
    let servers = Arc::clone(&admin.setup.servers);
    let mut before = (0, 0);
    let feed = Arc::new(Feed::new(move |since| {
        let mut now = now(&servers);
        now.in_per_second = per_second(now.total_traffic_in, before.0, since);
        now.out_per_second = per_second(now.total_traffic_out, before.1, since);
        before = (now.total_traffic_in, now.total_traffic_out);
        now
    }));
    move |_| ready(feed.answer())
}

/// How fast a counter moved; nothing is known of the time before it was read first.
fn per_second(now: u64, before: u64, since: Duration) -> u64 {
    let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    let moved = now.saturating_sub(before).saturating_mul(1000);
    moved.checked_div(millis).unwrap_or(0)
}

fn now(servers: &Servers) -> Now {
    let shown = servers.shown();
    let session = shown.and_then(|tunnel| tunnel.client.session());
    let rows = servers.proxies();
    let is_running = |at: &&ProxyAt| matches!(at.row.phase, Phase::Running(_));
    let meter = &servers.meter;
    let config = shown.map_or(&servers.config, |tunnel| &tunnel.client.config);
    let server = culvert_transport::Target::new(&config.server_addr, config.server_port);
    let rtt = session.as_ref().and_then(|session| session.round_trip());
    Now {
        time: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |at| at.as_millis()),
        connected: session.is_some(),
        server: server.to_string(),
        transport: session.as_ref().map_or_else(
            || config.transport.protocol.as_str().to_owned(),
            |session| session.rung().transport.as_str().to_owned(),
        ),
        transport_reason: shown
            .and_then(|tunnel| Some(tunnel.ladder()?.reason()))
            .unwrap_or_default(),
        run_id: session.map_or_else(String::new, |s| s.run_id().to_owned()),
        rtt_ms: rtt.map(|rtt| rtt.as_secs_f64() * 1000.0),
        proxies: rows.len(),
        proxies_running: rows.iter().filter(is_running).count(),
        visitors: servers.visitors.names().len(),
        cur_conns: meter.connections(),
        total_traffic_in: meter.bytes_in(),
        total_traffic_out: meter.bytes_out(),
        in_per_second: 0,
        out_per_second: 0,
        servers: servers.rows(),
    }
}
