//! What the ladder tells of itself: to the admin API, metrics and the dashboard.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use tokio::time::Instant;

use super::Ladder;

/// How the client gets to one server, and why so.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LadderStatus {
    /// Whether the transport is chosen by us.
    auto: bool,
    /// The transport in use, or that was last.
    transport: String,
    /// Where it leads.
    address: String,
    /// Why it is in use.
    reason: String,
    /// Milliseconds that dialling it took.
    took_ms: Option<u128>,
    /// Since when, in seconds since 1970.
    since: Option<u64>,
    /// How often another one took over.
    switches: u64,
    /// Every rung, the preferred one first.
    rungs: Vec<RungStatus>,
}

/// One rung.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RungStatus {
    transport: String,
    address: String,
    in_use: bool,
    /// Why it failed last; empty if it did not.
    fault: String,
    /// Seconds until it is tried again.
    retry_in: Option<u64>,
}

impl Ladder {
    /// What is known now.
    pub(crate) fn status(&self) -> LadderStatus {
        let (now, state) = (Instant::now(), self.state.lock());
        let chosen = state.chosen.as_ref();
        let used = chosen.map(|chosen| chosen.index);
        let shown = self.ways.get(used.unwrap_or(0)).map(|way| &way.rung);
        let seconds = |at: SystemTime| at.duration_since(UNIX_EPOCH).map_or(0, |at| at.as_secs());
        let rungs = self.ways.iter().enumerate().map(|(index, way)| {
            let until = state.standings.shunned_until(index, now);
            let fault = state.faults.get(index).cloned().flatten();
            RungStatus {
                transport: way.rung.transport.as_str().to_owned(),
                address: way.rung.target.to_string(),
                in_use: used == Some(index),
                fault: fault.unwrap_or_default(),
                retry_in: until.map(|until| until.duration_since(now).as_secs()),
            }
        });
        LadderStatus {
            auto: self.auto.is_some(),
            transport: shown.map_or("", |rung| rung.transport.as_str()).to_owned(),
            address: shown.map_or_else(String::new, |rung| rung.target.to_string()),
            reason: match (&self.auto, chosen) {
                (None, _) => "transport.protocol".to_owned(),
                (Some(_), chosen) => chosen.map_or_else(String::new, |chosen| chosen.why.clone()),
            },
            took_ms: chosen.map(|chosen| chosen.took.as_millis()),
            since: chosen.map(|chosen| seconds(chosen.since)),
            switches: state.switches,
            rungs: rungs.collect(),
        }
    }

    /// Why the rung in use was chosen; empty where the transport is fixed, or nothing is in use.
    pub(crate) fn reason(&self) -> String {
        let state = self.state.lock();
        let chosen = state.chosen.as_ref().filter(|_| self.auto.is_some());
        chosen.map_or_else(String::new, |chosen| chosen.why.clone())
    }

    /// How often another rung took over.
    pub(crate) fn switches(&self) -> u64 {
        self.state.lock().switches
    }
}
