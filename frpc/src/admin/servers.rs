//! `/api/servers`: how each of several servers does. It is ours, not upstream's (docs/API.md); where
//! there is only one server, there is no such page.

use std::sync::Arc;

use culvert_http::web::{Answer, Request};
use serde::{Deserialize, Serialize};

use super::Admin;
use crate::servers::ServerRow;

/// What is told.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Servers {
    /// `serverPolicy`.
    pub(crate) policy: String,
    /// In the order of preference.
    pub(crate) servers: Vec<ServerRow>,
}

/// `GET /api/servers`.
pub(super) async fn answer(admin: Arc<Admin>, _: Request) -> Answer {
    let servers = &admin.setup.servers;
    Answer::json(&Servers {
        policy: servers.policy_name().to_owned(),
        servers: servers.rows(),
    })
}
