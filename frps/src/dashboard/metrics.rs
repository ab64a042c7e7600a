//! `/metrics` in the text format 0.0.4 of Prometheus, under upstream's names (api 2.4).

use std::fmt::{Display, Write};

use chrono::Local;
use culvert_http::web::{Answer, Request};

use super::view::View;
use crate::figures::ProxyRow;

const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=values";

/// `GET /metrics`.
pub(super) fn answer(view: &View, _: &Request) -> Answer {
    let rows = view.proxies.rows(Local::now());
    let mut text = Text(String::new());
    text.family(
        ("frp_server_client_counts", "gauge"),
        "The current client counts of frps",
        [(String::new(), view.clients.online())],
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
            .map(|(kind, count)| (format!("{{type=\"{}\"}}", escaped(&kind)), count)),
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
    Answer::body(CONTENT_TYPE, text.0)
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
        let (name, kind) = (escaped(row.name.as_str()), escaped(&row.kind));
        let labels = format!("{{name=\"{name}\",type=\"{kind}\"}}");
        Some((labels, value(row)?))
    })
}

struct Text(String);

impl Text {
    /// A family with its samples; nothing when it has none yet.
    fn family<V: Display>(
        &mut self,
        (name, kind): (&str, &str),
        help: &str,
        samples: impl IntoIterator<Item = (String, V)>,
    ) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        // Writing to a string cannot fail.
        let _ok = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        for (labels, value) in samples {
            let _ok = writeln!(self.0, "{name}{labels} {value}");
        }
    }
}

/// A label's value between its quotes.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
