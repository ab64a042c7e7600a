//! A client as both versions of the API show it.

use serde::Serialize;

use crate::figures::Client;

/// A client; keys and their order are upstream's (api 2.1). Times are Unix seconds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClientItem {
    pub(super) key: String,
    pub(super) user: String,
    #[serde(rename = "clientID")]
    pub(super) client_id: String,
    #[serde(rename = "runID")]
    pub(super) run_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    version: String,
    wire_protocol: &'static str,
    hostname: String,
    #[serde(rename = "clientIP")]
    client_ip: String,
    first_connected_at: i64,
    last_connected_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    disconnected_at: Option<i64>,
    pub(super) online: bool,
}

impl From<Client> for ClientItem {
    fn from(client: Client) -> Self {
        Self {
            key: client.key(),
            client_id: client.id().to_owned(),
            online: client.is_online(),
            run_id: client.arrived.run_id.to_string(),
            user: client.arrived.user,
            version: client.arrived.version,
            wire_protocol: client.arrived.wire.name(),
            hostname: client.arrived.hostname,
            client_ip: client.arrived.ip,
            first_connected_at: client.first_connected,
            last_connected_at: client.last_connected,
            disconnected_at: client.left,
        }
    }
}

impl ClientItem {
    /// Whether any of the texts that a search looks at holds `wanted`, which is in lower case.
    pub(super) fn mentions(&self, wanted: &str) -> bool {
        let texts = [
            &*self.key,
            &self.user,
            &self.client_id,
            &self.run_id,
            &self.version,
            self.wire_protocol,
            &self.hostname,
            &self.client_ip,
        ];
        texts
            .iter()
            .any(|text| text.to_lowercase().contains(wanted))
    }
}
