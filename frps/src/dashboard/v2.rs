//! Version 2 of the API: everything in an envelope, lists in pages (api 2.2).

use std::collections::BTreeMap;

use chrono::{Days, Local};
use culvert_http::web::{Answer, Request};
use culvert_wire::RELEASE;
use http::StatusCode;
use serde::Serialize;

use super::{
    client::ClientItem,
    proxy::{V2Proxy, phase},
    view::{Config, Status, View},
};
use crate::figures::{DAYS, ProxyRow};

/// Items on a page that does not say otherwise, and the most of them.
const PAGE_SIZE: usize = 50;
const MAX_PAGE_SIZE: usize = 200;

/// What `type` may be in the list of proxies, as upstream knows them.
const KINDS: [&str; 8] = [
    "tcp", "udp", "http", "https", "tcpmux", "stcp", "xtcp", "sudp",
];

#[derive(Serialize)]
struct Envelope<'a, T> {
    code: u16,
    msg: &'a str,
    data: T,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page<T> {
    total: usize,
    page: usize,
    page_size: usize,
    items: Vec<T>,
}

/// What is wrong with a request.
struct Refusal(StatusCode, String);

fn bad(text: &str) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, text.to_owned())
}

fn missing(text: &str) -> Refusal {
    Refusal(StatusCode::NOT_FOUND, text.to_owned())
}

fn envelope<T: Serialize>(outcome: Result<T, Refusal>) -> Answer {
    match outcome {
        Ok(data) => Answer::json(&Envelope {
            code: StatusCode::OK.as_u16(),
            msg: "success",
            data,
        }),
        Err(Refusal(status, msg)) => {
            let body = Envelope {
                code: status.as_u16(),
                msg: &msg,
                data: (),
            };
            Answer::json_with(status, &body).because(&msg)
        }
    }
}

/// Which page is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Paging {
    page: usize,
    size: usize,
}

impl Paging {
    fn read(request: &Request) -> Result<Self, Refusal> {
        let number = |key: &str, default: usize| {
            let text = request.query(key).unwrap_or_default();
            if text.is_empty() {
                return Ok(default);
            }
            // As large as Go's int.
            let value = text.parse::<isize>().ok();
            let value = value.and_then(|v| usize::try_from(v).ok());
            value
                .filter(|v| *v > 0)
                .ok_or_else(|| bad(&format!("{key} must be a positive integer")))
        };
        let page = number("page", 1)?;
        let size = number("pageSize", PAGE_SIZE)?;
        if size > MAX_PAGE_SIZE {
            return Err(bad("pageSize must be between 1 and 200"));
        }
        if page > isize::MAX.unsigned_abs() / size {
            return Err(bad("page is too large"));
        }
        Ok(Self { page, size })
    }

    /// The page of `items`.
    fn of<T>(self, items: Vec<T>) -> Page<T> {
        let total = items.len();
        let before = (self.page - 1).saturating_mul(self.size);
        Page {
            total,
            page: self.page,
            page_size: self.size,
            items: items.into_iter().skip(before).take(self.size).collect(),
        }
    }
}

/// Whether those that are online and those that are not are asked for.
fn status(request: &Request) -> Result<(bool, bool), Refusal> {
    match &*request.query("status").unwrap_or_default().to_lowercase() {
        "" | "all" => Ok((true, true)),
        "online" => Ok((true, false)),
        "offline" => Ok((false, true)),
        _ => Err(bad("status must be one of all, online, offline")),
    }
}

/// Whether a filter that is empty or left out, or has this value, lets `value` through.
fn passes(request: &Request, key: &str, value: &str) -> bool {
    let wanted = request.query(key).unwrap_or_default();
    wanted.is_empty() || wanted == value
}

/// Unlike others, this filter can ask for the empty value.
fn of_user(request: &Request, user: &str) -> bool {
    request.query("user").is_none_or(|wanted| wanted == user)
}

fn search(request: &Request) -> String {
    request.query("q").unwrap_or_default().to_lowercase()
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct User {
    user: String,
    client_count: usize,
    proxy_count: usize,
}

/// `GET /api/v2/users`.
pub(super) fn users(view: &View, request: &Request) -> Answer {
    envelope(Paging::read(request).map(|paging| {
        let mut users = BTreeMap::<String, (usize, usize)>::new();
        for client in view.clients.all() {
            users.entry(client.arrived.user).or_default().0 += 1;
        }
        for row in view.proxies.rows(Local::now()) {
            users.entry(row.owner.user).or_default().1 += 1;
        }
        let wanted = search(request);
        let found = users
            .into_iter()
            .filter(|(user, _)| user.to_lowercase().contains(&wanted));
        let found = found.map(|(user, (client_count, proxy_count))| User {
            user,
            client_count,
            proxy_count,
        });
        paging.of(found.collect())
    }))
}

#[derive(Serialize)]
struct Info<'a> {
    version: &'static str,
    config: Whole<'a>,
    status: Status,
}

/// The configuration with the keys that version 1 may leave out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Whole<'a> {
    #[serde(flatten)]
    config: &'a Config,
    allow_ports_str: &'a str,
    tls_force: bool,
}

/// `GET /api/v2/system/info`.
pub(super) fn info(view: &View, _: &Request) -> Answer {
    envelope(Ok(Info {
        version: RELEASE,
        config: Whole {
            config: &view.config(),
            allow_ports_str: &view.allow_ports(),
            tls_force: view.tls_force(),
        },
        status: view.status(Local::now()),
    }))
}

#[derive(Serialize)]
struct Pruned {
    r#type: &'static str,
    cleared: usize,
    total: usize,
}

/// `POST /api/v2/system/prune?type=offline_proxies`.
pub(super) fn prune(view: &View, request: &Request) -> Answer {
    let what = "offline_proxies";
    envelope(match request.query("type").unwrap_or_default() {
        "" => Err(bad("type is required")),
        given if given == what => {
            let (cleared, total) = view.proxies.prune(Local::now());
            tracing::info!("cleared [{cleared}] offline proxies data, total [{total}] proxies");
            Ok(Pruned {
                r#type: what,
                cleared,
                total,
            })
        }
        _ => Err(bad("type must be one of offline_proxies")),
    })
}

/// `GET /api/v2/clients`.
pub(super) fn clients(view: &View, request: &Request) -> Answer {
    let list = || {
        let paging = Paging::read(request)?;
        let (online, offline) = status(request)?;
        let wanted = search(request);
        let all = view.clients.all().into_iter().map(ClientItem::from);
        let found = all.filter(|client| {
            (if client.online { online } else { offline })
                && of_user(request, &client.user)
                && passes(request, "clientID", &client.client_id)
                && passes(request, "runID", &client.run_id)
                && client.mentions(&wanted)
        });
        Ok(paging.of(found.collect()))
    };
    envelope(list())
}

#[derive(Serialize)]
struct ClientDetail {
    #[serde(flatten)]
    client: ClientItem,
    status: ClientStatus,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClientStatus {
    phase: &'static str,
    cur_conns: u64,
    proxy_count: usize,
}

/// `GET /api/v2/clients/{key}`.
pub(super) fn client(view: &View, request: &Request) -> Answer {
    let detail = || {
        let key = request.variable("key").filter(|key| !key.is_empty());
        let key = key.ok_or_else(|| bad("invalid client key"))?;
        let mut all = view.clients.all().into_iter().map(ClientItem::from);
        let client = all
            .find(|client| client.key == key)
            .ok_or_else(|| missing(&format!("client {key} not found")))?;
        let rows = view.proxies.rows(Local::now());
        let own = |row: &&ProxyRow| {
            row.owner.user == client.user && row.owner.client_id == client.client_id
        };
        let status = ClientStatus {
            phase: phase(client.online),
            cur_conns: rows.iter().filter(own).map(|row| row.connections).sum(),
            proxy_count: rows.iter().filter(own).count(),
        };
        Ok(ClientDetail { client, status })
    };
    envelope(detail())
}

/// `GET /api/v2/proxies`.
pub(super) fn proxies(view: &View, request: &Request) -> Answer {
    let rows = view.proxies.rows(Local::now());
    let list = || {
        let paging = Paging::read(request)?;
        let (online, offline) = status(request)?;
        let kind = request.query("type").unwrap_or_default().to_lowercase();
        if !kind.is_empty() && !KINDS.contains(&&*kind) {
            let kinds = KINDS.join(", ");
            return Err(bad(&format!("type must be one of {kinds}")));
        }
        let wanted = search(request);
        let found = rows.iter().filter(|row| {
            (if row.ask.is_some() { online } else { offline })
                && (kind.is_empty() || row.kind == kind)
                && of_user(request, &row.owner.user)
                && passes(request, "clientID", &row.owner.client_id)
        });
        let found = found.map(V2Proxy::from).filter(|p| p.mentions(&wanted));
        Ok(paging.of(found.collect()))
    };
    envelope(list())
}

fn named(view: &View, request: &Request) -> Result<ProxyRow, Refusal> {
    let name = request.variable("name").filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| bad("invalid proxy name"))?;
    let row = view.proxies.row(&name, Local::now());
    row.ok_or_else(|| missing("no proxy info found"))
}

/// `GET /api/v2/proxies/{name}`.
pub(super) fn proxy(view: &View, request: &Request) -> Answer {
    match named(view, request) {
        Ok(row) => envelope(Ok(V2Proxy::from(&row))),
        Err(refusal) => envelope::<()>(Err(refusal)),
    }
}

#[derive(Serialize)]
struct History<'a> {
    name: &'a str,
    unit: &'static str,
    granularity: &'static str,
    /// Oldest first.
    history: Vec<Day>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Day {
    date: String,
    traffic_in: u64,
    traffic_out: u64,
}

/// `GET /api/v2/proxies/{name}/traffic`.
pub(super) fn traffic(view: &View, request: &Request) -> Answer {
    let row = match named(view, request) {
        Ok(row) => row,
        Err(refusal) => return envelope::<()>(Err(refusal)),
    };
    let today = Local::now().date_naive();
    let ago = |days: usize| {
        let days = u64::try_from(days).unwrap_or_default();
        today.checked_sub_days(Days::new(days)).unwrap_or(today)
    };
    let days = row.days.iter().enumerate().take(DAYS).rev();
    let history = days.map(|(at, day)| Day {
        date: ago(at).format("%Y-%m-%d").to_string(),
        traffic_in: day.inward,
        traffic_out: day.outward,
    });
    envelope(Ok(History {
        name: row.name.as_str(),
        unit: "bytes",
        granularity: "day",
        history: history.collect(),
    }))
}
