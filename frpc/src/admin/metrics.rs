//! `/metrics`: ours, as upstream's client has none.

use std::{collections::BTreeMap, sync::Arc};

use culvert_http::web::{Answer, Metrics, Request};
use culvert_program::process_metrics;

use super::Admin;
use crate::servers::{ServerRow, Servers};

/// `GET /metrics`.
pub(super) async fn answer(admin: Arc<Admin>, _: Request) -> Answer {
    let servers = &admin.setup.servers;
    let mut by_phase: BTreeMap<_, u64> = BTreeMap::new();
    for at in servers.proxies() {
        let row = at.row;
        let key = (row.config.kind_name(), row.phase.as_str());
        *by_phase.entry(key).or_default() += 1;
    }
    let by_phase = by_phase
        .into_iter()
        .map(|((kind, status), count)| (format!("{{status=\"{status}\",type=\"{kind}\"}}"), count));
    let mut text = Metrics::default();
    text.single(
        ("frpc_connected", "gauge"),
        "Whether there is a session with the server",
        u8::from(servers.are_connected()),
    );
    text.family(
        ("frpc_proxies", "gauge"),
        "The current number of proxies by type and status",
        by_phase,
    );
    text.single(
        ("frpc_visitors", "gauge"),
        "The current number of visitors",
        servers.visitors.names().len(),
    );
    let meter = &servers.meter;
    text.single(
        ("frpc_connections", "gauge"),
        "The current user connections of all proxies",
        meter.connections(),
    );
    text.single(
        ("frpc_connections_opened", "counter"),
        "The user connections of all proxies since the start",
        meter.opened(),
    );
    text.single(
        ("frpc_traffic_in", "counter"),
        "Bytes from users to local services",
        meter.bytes_in(),
    );
    text.single(
        ("frpc_traffic_out", "counter"),
        "Bytes from local services to users",
        meter.bytes_out(),
    );
    each_server(&servers.rows(), &mut text);
    each_way(servers, &mut text);
    process_metrics(&mut text);
    text.into()
}

/// How each server is reached.
fn each_way(servers: &Servers, text: &mut Metrics) {
    let used = servers.tunnels.iter().filter_map(|tunnel| {
        let session = tunnel.client.session()?;
        let (server, protocol) = (escaped(&tunnel.name), session.rung().transport.as_str());
        let protocol = escaped(protocol);
        Some((
            format!("{{server=\"{server}\",protocol=\"{protocol}\"}}"),
            1,
        ))
    });
    text.family(
        ("frpc_transport", "gauge"),
        "The transport of the session with each server",
        used,
    );
    let switches = servers.tunnels.iter().filter_map(|tunnel| {
        let label = format!("{{server=\"{}\"}}", escaped(&tunnel.name));
        Some((label, tunnel.ladder()?.switches()))
    });
    text.family(
        ("frpc_transport_switches", "counter"),
        "How often another transport took over",
        switches,
    );
}

/// How each of several servers does.
fn each_server(rows: &[ServerRow], text: &mut Metrics) {
    if rows.is_empty() {
        return;
    }
    let label = |row: &ServerRow| format!("{{server=\"{}\"}}", escaped(&row.name));
    let is_up = |row: &ServerRow| (label(row), u8::from(row.state == "up"));
    text.family(
        ("frpc_server_up", "gauge"),
        "Whether the server is logged in at and answers",
        rows.iter().map(is_up),
    );
    let serves = |row: &ServerRow| (label(row), u8::from(row.serves));
    text.family(
        ("frpc_server_serves", "gauge"),
        "Whether the server publishes the proxies",
        rows.iter().map(serves),
    );
    let trip = |row: &ServerRow| Some((label(row), row.rtt_ms? / 1000.0));
    text.family(
        ("frpc_server_round_trip_seconds", "gauge"),
        "The fastest of the last answers of the server",
        rows.iter().filter_map(trip),
    );
}

/// The value of a label, as the text format of Prometheus wants it.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
