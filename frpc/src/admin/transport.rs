//! `/api/transport`: how the client gets to its servers, and why so. It is ours, not upstream's
//! (docs/API.md).

use std::sync::Arc;

use culvert_http::web::{Answer, Request};
use serde::Serialize;

use super::Admin;
use crate::paths::LadderStatus;

/// The way to one server.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    /// What the server is called; empty where it is the only one.
    server: String,
    connected: bool,
    #[serde(flatten)]
    ladder: LadderStatus,
}

/// `GET /api/transport`.
pub(super) async fn answer(admin: Arc<Admin>, _: Request) -> Answer {
    let tunnels = admin.setup.servers.tunnels.iter();
    let rows = tunnels.filter_map(|tunnel| {
        Some(Row {
            server: tunnel.name.clone(),
            connected: tunnel.client.session().is_some(),
            ladder: tunnel.ladder()?.status(),
        })
    });
    Answer::json(&rows.collect::<Vec<_>>())
}
