//! Version 1 of the API (api 2.1).

use chrono::Local;
use culvert_http::web::{Answer, Request};
use culvert_wire::RELEASE;
use http::StatusCode;
use serde::Serialize;

use super::{
    client::ClientItem,
    proxy::V1Proxy,
    view::{Config, Status, View},
};
use crate::figures::{ProxyRow, Traffic};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ServerInfo<'a> {
    version: &'static str,
    #[serde(flatten)]
    config: &'a Config,
    #[serde(skip_serializing_if = "str::is_empty")]
    allow_ports_str: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_force: Option<bool>,
    #[serde(flatten)]
    status: Status,
}

#[derive(Serialize)]
struct ProxyList<'a> {
    proxies: Vec<V1Proxy<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct History<'a> {
    name: &'a str,
    /// Today first.
    traffic_in: Vec<u64>,
    traffic_out: Vec<u64>,
}

/// `GET /api/serverinfo`.
pub(super) fn server_info(view: &View, _: &Request) -> Answer {
    Answer::json(&ServerInfo {
        version: RELEASE,
        config: &view.config(),
        allow_ports_str: &view.allow_ports(),
        tls_force: view.tls_force().then_some(true),
        status: view.status(Local::now()),
    })
}

/// `GET /api/clients`.
pub(super) fn clients(view: &View, request: &Request) -> Answer {
    let is = |key: &str, value: &str| {
        let wanted = request.query(key).unwrap_or_default();
        wanted.is_empty() || wanted == value
    };
    let status = request.query("status").unwrap_or_default().to_lowercase();
    let wanted = |client: &ClientItem| {
        let as_asked = match &*status {
            "online" => client.online,
            "offline" => !client.online,
            _ => true,
        };
        as_asked
            && is("user", &client.user)
            && is("clientId", &client.client_id)
            && is("runId", &client.run_id)
    };
    let all = view.clients.all().into_iter().map(ClientItem::from);
    Answer::json(&all.filter(wanted).collect::<Vec<_>>())
}

/// `GET /api/clients/{key}`.
pub(super) fn client(view: &View, request: &Request) -> Answer {
    let key = request.variable("key").unwrap_or_default();
    let mut all = view.clients.all().into_iter().map(ClientItem::from);
    match all.find(|client| client.key == key) {
        Some(client) => Answer::json(&client),
        None => Answer::v1_error(StatusCode::NOT_FOUND, &format!("client {key} not found")),
    }
}

/// `GET /api/proxy/{type}`.
pub(super) fn proxies(view: &View, request: &Request) -> Answer {
    let kind = request.variable("type").unwrap_or_default();
    let rows = view.proxies.rows(Local::now());
    let proxies = rows.iter().filter(|row| row.kind == kind);
    Answer::json(&ProxyList {
        proxies: proxies.map(V1Proxy::from).collect(),
    })
}

/// `GET /api/proxy/{type}/{name}` and `GET /api/proxies/{name}`.
pub(super) fn proxy(view: &View, request: &Request) -> Answer {
    let kind = request.variable("type");
    match named(view, request).filter(|row| kind.as_ref().is_none_or(|kind| row.kind == *kind)) {
        Some(row) => Answer::json(&V1Proxy::from(&row)),
        None => no_proxy(),
    }
}

/// `GET /api/traffic/{name}`.
pub(super) fn traffic(view: &View, request: &Request) -> Answer {
    let Some(row) = named(view, request) else {
        return no_proxy();
    };
    let column = |of: fn(&Traffic) -> u64| row.days.iter().map(of).collect();
    Answer::json(&History {
        name: row.name.as_str(),
        traffic_in: column(|day| day.inward),
        traffic_out: column(|day| day.outward),
    })
}

/// `DELETE /api/proxies?status=offline`.
pub(super) fn prune(view: &View, request: &Request) -> Answer {
    if request.query("status") != Some("offline") {
        return Answer::v1_error(StatusCode::BAD_REQUEST, "status only support offline");
    }
    let (cleared, total) = view.proxies.prune(Local::now());
    tracing::info!("cleared [{cleared}] offline proxies data, total [{total}] proxies");
    Answer::v1_success()
}

fn named(view: &View, request: &Request) -> Option<ProxyRow> {
    view.proxies.row(&request.variable("name")?, Local::now())
}

fn no_proxy() -> Answer {
    Answer::v1_error(StatusCode::NOT_FOUND, "no proxy info found")
}
