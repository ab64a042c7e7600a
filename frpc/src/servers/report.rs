//! What is shown of several servers: in the API, the metrics and on the dashboard.

use std::sync::Arc;

use culvert_conf::ServerPolicy;
use culvert_transport::Target;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{Servers, Tunnel, vitals::Sight};
use crate::proxies::{Phase, ProxyRow};

/// A server as it is shown.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ServerRow {
    pub(crate) name: String,
    pub(crate) address: String,
    /// Of the session of now; what is wanted while there is none.
    pub(crate) transport: String,
    /// `connecting`, `down`, `silent` or `up`.
    pub(crate) state: String,
    /// Whether it publishes the proxies.
    pub(crate) serves: bool,
    /// The fastest of its last answers.
    pub(crate) rtt_ms: Option<f64>,
    #[serde(rename = "runID")]
    pub(crate) run_id: String,
    pub(crate) proxies_running: usize,
}

/// A proxy at the server that tells most of it, and at the others that publish it.
#[derive(Debug)]
pub(crate) struct ProxyAt {
    pub(crate) row: ProxyRow,
    /// The address of that server, as the file has it.
    pub(crate) server_addr: String,
    /// At each server that is to publish it, by the server's name; empty where there is only one.
    pub(crate) each: Vec<(String, Phase)>,
}

impl Servers {
    /// The tunnel that is shown where there is room for one.
    pub(crate) fn shown(&self) -> Option<&Arc<Tunnel>> {
        let current = self.choice.lock().current();
        self.tunnels.get(current.unwrap_or(0))
    }

    /// The word for how they share the work.
    pub(crate) fn policy_name(&self) -> &'static str {
        self.policy().as_str()
    }

    /// All of them, in the order of preference; none where there is only one.
    pub(crate) fn rows(&self) -> Vec<ServerRow> {
        if !self.are_several() {
            return Vec::new();
        }
        let now = Instant::now();
        let rows = self.tunnels.iter().enumerate();
        rows.map(|(index, tunnel)| {
            let sight = tunnel.sight(now);
            let publishes = self.choice.lock().publishes(index);
            tunnel.row(sight, publishes)
        })
        .collect()
    }

    /// All proxies, sorted by name.
    pub(crate) fn proxies(&self) -> Vec<ProxyAt> {
        let at = |tunnel: &Tunnel, row| ProxyAt {
            row,
            server_addr: tunnel.client.config.server_addr.clone(),
            each: Vec::new(),
        };
        let Some(shown) = self.shown() else {
            return Vec::new();
        };
        let rows = shown.client.proxies.rows().into_iter();
        let mut all: Vec<_> = rows.map(|row| at(shown, row)).collect();
        if !self.are_several() {
            return all;
        }
        let is_running = |row: &ProxyRow| matches!(row.phase, Phase::Running(_));
        for (index, tunnel) in self.tunnels.iter().enumerate() {
            if !self.choice.lock().publishes(index) {
                continue;
            }
            // A server that is gone has forgotten all that it was asked for.
            let is_there = tunnel.client.session().is_some();
            // Both lists are sorted by name, and hold the same unless a reload is under way.
            for (shown, row) in all.iter_mut().zip(tunnel.client.proxies.rows()) {
                if shown.row.config.name != row.config.name {
                    continue;
                }
                let phase = if is_there {
                    row.phase.clone()
                } else {
                    Phase::New
                };
                shown.each.push((tunnel.name.clone(), phase));
                if self.policy() == ServerPolicy::ActiveActive
                    && is_there
                    && is_running(&row)
                    && !is_running(&shown.row)
                {
                    shown
                        .server_addr
                        .clone_from(&tunnel.client.config.server_addr);
                    shown.row = row;
                }
            }
        }
        all
    }
}

impl Tunnel {
    fn row(&self, sight: Sight, publishes: bool) -> ServerRow {
        let config = &self.client.config;
        let session = self.client.session();
        let rung = session.as_ref().map(|session| session.rung());
        let address = match (&config.server_srv, rung) {
            (_, Some(rung)) => rung.target.to_string(),
            (Some(domain), None) => format!("srv:{domain}"),
            (None, None) => Target::new(&config.server_addr, config.server_port).to_string(),
        };
        let transport = rung.map_or(&config.transport.protocol, |rung| &rung.transport);
        let rtt = sight.up().and_then(|up| up.round_trip);
        let running = session.as_ref().map(|_| self.client.proxies.running());
        ServerRow {
            name: self.name.clone(),
            address,
            transport: transport.as_str().to_owned(),
            state: sight.as_str().to_owned(),
            serves: publishes && sight.up().is_some(),
            rtt_ms: rtt.map(|rtt| rtt.as_secs_f64() * 1000.0),
            run_id: session.map_or_else(String::new, |s| s.run_id().to_owned()),
            proxies_running: running.map_or(0, |names| names.len()),
        }
    }
}
