//! `/metrics` in the text format 0.0.4 of Prometheus, under upstream's names (api 2.4).

use chrono::Local;
use culvert_http::web::{Answer, Metrics, Request};
use culvert_io::delivered;
use culvert_mux::window_stalls;
use culvert_program::process_metrics;

use super::view::View;
use crate::figures::ProxyRow;

/// `GET /metrics`.
pub(super) fn answer(view: &View, _: &Request) -> Answer {
    let rows = view.proxies.rows(Local::now());
    let mut text = Metrics::default();
    text.single(
        ("frp_server_client_counts", "gauge"),
        "The current client counts of frps",
        view.clients.online(),
    );
    text.family(
        ("frp_server_connection_counts", "gauge"),
        "The current connection counts",
        of(&rows, |row| row.used.then_some(row.connections)),
    );
    text.family(
        ("frp_server_proxy_counts", "gauge"),
        "The current proxy counts",
        view.proxies
            .kinds()
            .into_iter()
            .map(|(kind, count)| (format!("{{type=\"{}\"}}", Metrics::label(&kind)), count)),
    );
    text.family(
        ("frp_server_proxy_counts_detailed", "gauge"),
        "The current number of proxies grouped by type and name",
        of(&rows, |row| Some(u64::from(row.ask.is_some()))),
    );
    text.family(
        ("frp_server_traffic_in", "counter"),
        "The total in traffic",
        of(&rows, |row| moved(row).then_some(row.total.inward)),
    );
    text.family(
        ("frp_server_traffic_out", "counter"),
        "The total out traffic",
        of(&rows, |row| moved(row).then_some(row.total.outward)),
    );
    own(view, &mut text);
    process_metrics(&mut text);
    text.into()
}

/// What upstream has no names for; all begin with `frps_`.
fn own(view: &View, text: &mut Metrics) {
    let counts = &view.counts;
    let label = |name: &str, value: &str| format!("{{{name}=\"{value}\"}}");
    let parked: usize = view.registry.all().iter().map(|s| s.pooled()).sum();
    text.single(
        ("frps_work_conns_parked", "gauge"),
        "Work connections that wait for a user",
        parked,
    );
    text.family(
        ("frps_work_conns_acquired_total", "counter"),
        "Users by how they came by a work connection: a parked one, one waited for, none",
        counts.pool().map(|(how, n)| (label("result", how), n)),
    );
    text.histograms(
        ("frps_work_conn_acquire_seconds", ""),
        "How long users waited for their work connection",
        [("", counts.acquired())],
    );
    text.family(
        ("frps_relayed_bytes_total", "counter"),
        "Bytes of relays that have ended, by the path they took",
        delivered().map(|(path, n)| (label("path", path.as_str()), n)),
    );
    text.histograms(
        ("frps_handshake_seconds", "layer"),
        "How long handshakes took that succeeded",
        counts.handshakes(),
    );
    text.family(
        ("frps_refused_peers_total", "counter"),
        "Connections sent away, by reason",
        counts.refused().map(|(why, n)| (label("reason", why), n)),
    );
    text.family(
        ("frps_udp_packets_sent_total", "counter"),
        "Users' datagrams sent to clients and visitors, by the form in which they travelled",
        culvert_proxies::udp::sent().map(|(form, n)| (label("form", form), n)),
    );
    text.single(
        ("frps_mux_window_stalls_total", "counter"),
        "How often a stream had bytes to send and its peer no room for them",
        window_stalls(),
    );
}

const fn moved(row: &ProxyRow) -> bool {
    row.total.inward > 0 || row.total.outward > 0
}

/// The proxies for which `value` has one, with their labels.
fn of(
    rows: &[ProxyRow],
    value: impl Fn(&ProxyRow) -> Option<u64>,
) -> impl Iterator<Item = (String, u64)> {
    rows.iter().filter_map(move |row| {
        let (name, kind) = (Metrics::label(row.name.as_str()), Metrics::label(&row.kind));
        let labels = format!("{{name=\"{name}\",type=\"{kind}\"}}");
        Some((labels, value(row)?))
    })
}
