//! `/api/live`: what goes on, each second. It is ours, not upstream's (docs/API.md).

use std::{cmp::Reverse, collections::HashMap, sync::Arc, time::Duration};

use chrono::Local;
use culvert_http::web::Feed;
use serde::Serialize;

use super::view::{Status, View};
use crate::registry::Registry;

/// Sessions that are told of, the busiest first: what a page can show.
const SESSIONS: usize = 100;

/// What is told; bytes are those of today, as in the rest of the API.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Now {
    /// Milliseconds since 1970.
    time: i64,
    #[serde(flatten)]
    status: Status,
    proxy_counts: u64,
    /// Work connections that wait for users, of all sessions.
    pool: usize,
    in_per_second: u64,
    out_per_second: u64,
    clients: Vec<ClientNow>,
}

/// A session.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ClientNow {
    key: String,
    transport: &'static str,
    rtt_ms: Option<f64>,
    cur_conns: u64,
    pool: usize,
}

/// The figures of the server, for all who listen.
pub(super) fn feed(view: Arc<View>, registry: Arc<Registry>) -> Arc<Feed> {
    let mut before = (0, 0);
    Arc::new(Feed::new(move |since| {
        let mut now = now(&view, &registry);
        let moved = now.status.traffic();
        now.in_per_second = per_second(moved.0, before.0, since);
        now.out_per_second = per_second(moved.1, before.1, since);
        before = moved;
        now
    }))
}

/// How fast a counter moved. Nothing is known of the time before it was read first, or of the
/// second in which the day ends.
fn per_second(now: u64, before: u64, since: Duration) -> u64 {
    let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    let moved = now.saturating_sub(before).saturating_mul(1000);
    moved.checked_div(millis).unwrap_or(0)
}

fn now(view: &View, registry: &Registry) -> Now {
    let at = Local::now();
    let mut connections: HashMap<String, u64> = HashMap::new();
    for row in view.proxies.rows(at) {
        *connections.entry(row.owner.key()).or_default() += row.connections;
    }
    let sessions = registry.all();
    let client = |session: &Arc<crate::session::Session>| {
        let key = session.key();
        ClientNow {
            transport: session.transport(),
            rtt_ms: session.round_trip().map(|rtt| rtt.as_secs_f64() * 1000.0),
            cur_conns: connections.get(&key).copied().unwrap_or(0),
            pool: session.pooled(),
            key,
        }
    };
    let mut clients: Vec<_> = sessions.iter().map(client).collect();
    clients.sort_by(|a, b| (Reverse(a.cur_conns), &a.key).cmp(&(Reverse(b.cur_conns), &b.key)));
    let pool = clients.iter().map(|client| client.pool).sum();
    clients.truncate(SESSIONS);
    Now {
        time: at.timestamp_millis(),
        status: view.status(at),
        proxy_counts: view.proxies.kinds().values().sum(),
        pool,
        in_per_second: 0,
        out_per_second: 0,
        clients,
    }
}
