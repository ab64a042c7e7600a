//! `/metrics`: ours, as upstream's client has none.

use std::{collections::BTreeMap, sync::Arc};

use culvert_http::web::{Answer, Metrics, Request};
use culvert_program::process_metrics;

use super::Admin;

/// `GET /metrics`.
pub(super) async fn answer(admin: Arc<Admin>, _: Request) -> Answer {
    let client = &admin.setup.client;
    let mut by_phase: BTreeMap<_, u64> = BTreeMap::new();
    for row in client.proxies.rows() {
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
        u8::from(client.session().is_some()),
    );
    text.family(
        ("frpc_proxies", "gauge"),
        "The current number of proxies by type and status",
        by_phase,
    );
    text.single(
        ("frpc_visitors", "gauge"),
        "The current number of visitors",
        client.visitors.names().len(),
    );
    let meter = &client.meter;
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
    process_metrics(&mut text);
    text.into()
}
