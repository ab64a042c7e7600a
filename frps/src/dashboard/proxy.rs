//! A proxy as the two versions of the API show it; keys and their order are upstream's, as
//! recorded from frp 0.70.1 (api 2.1, 2.2).

use std::collections::BTreeMap;

use culvert_wire::msg::NewProxy;
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::figures::ProxyRow;

/// `online` or `offline`.
pub(super) const fn phase(online: bool) -> &'static str {
    if online { "online" } else { "offline" }
}

/// A proxy in version 1.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct V1Proxy<'a> {
    name: &'a str,
    conf: Option<V1Conf<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    user: &'a str,
    #[serde(rename = "clientID", skip_serializing_if = "str::is_empty")]
    client_id: &'a str,
    today_traffic_in: u64,
    today_traffic_out: u64,
    cur_conns: u64,
    last_start_time: String,
    last_close_time: String,
    status: &'static str,
}

/// What version 1 shows of a configuration: the server's view of the base part, and what the type
/// adds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct V1Conf<'a> {
    name: &'a str,
    r#type: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
    transport: V1Transport<'a>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadatas: &'a BTreeMap<String, String>,
    load_balancer: Group<'a>,
    health_check: NoHealthCheck,
    #[serde(rename = "localIP")]
    local_ip: &'static str,
    plugin: (),
    #[serde(flatten)]
    own: V1Own<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct V1Transport<'a> {
    #[serde(skip_serializing_if = "is_false")]
    use_encryption: bool,
    #[serde(skip_serializing_if = "is_false")]
    use_compression: bool,
    bandwidth_limit: &'a str,
    bandwidth_limit_mode: &'a str,
}

/// The group's secret is not shown.
#[derive(Debug, Serialize)]
struct Group<'a> {
    group: &'a str,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct NoHealthCheck {
    r#type: &'static str,
    interval_seconds: u32,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct V1Own<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_port: Option<i64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    custom_domains: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    subdomain: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    locations: Option<Option<&'a [String]>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host_header_rewrite: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multiplexer: Option<&'a str>,
    #[serde(rename = "routeByHTTPUser", skip_serializing_if = "str::is_empty")]
    route_by_http_user: &'a str,
}

impl<'a> From<&'a ProxyRow> for V1Proxy<'a> {
    fn from(row: &'a ProxyRow) -> Self {
        let time = |at: Option<chrono::DateTime<chrono::Local>>| {
            at.map(|at| at.format("%m-%d %H:%M:%S").to_string())
                .unwrap_or_default()
        };
        let today = row.today();
        Self {
            name: row.name.as_str(),
            conf: row.ask.as_deref().map(|ask| V1Conf::new(row, ask)),
            user: &row.owner.user,
            client_id: &row.owner.client_id,
            today_traffic_in: today.inward,
            today_traffic_out: today.outward,
            cur_conns: row.connections,
            last_start_time: time(row.started),
            last_close_time: time(row.closed),
            status: phase(row.ask.is_some()),
        }
    }
}

impl<'a> V1Conf<'a> {
    fn new(row: &'a ProxyRow, ask: &'a NewProxy) -> Self {
        let mut own = V1Own::default();
        match &*row.kind {
            "tcp" | "udp" => own.remote_port = Some(ask.remote_port),
            "http" | "https" | "tcpmux" => {
                own.custom_domains = &ask.custom_domains;
                own.subdomain = &ask.subdomain;
            }
            _ => {}
        }
        if row.kind == "http" {
            let locations = Some(&*ask.locations).filter(|l| !l.is_empty());
            own.locations = Some(locations);
            own.host_header_rewrite = Some(&ask.host_header_rewrite);
        }
        if row.kind == "tcpmux" {
            own.multiplexer = Some(&ask.multiplexer);
            own.route_by_http_user = &ask.route_by_http_user;
        }
        Self {
            name: row.name.as_str(),
            r#type: &row.kind,
            annotations: &ask.annotations,
            transport: V1Transport {
                use_encryption: ask.use_encryption,
                use_compression: ask.use_compression,
                bandwidth_limit: &ask.bandwidth_limit,
                bandwidth_limit_mode: limit_mode(ask),
            },
            metadatas: &ask.metas,
            load_balancer: Group { group: &ask.group },
            health_check: NoHealthCheck::default(),
            local_ip: "127.0.0.1",
            plugin: (),
            own,
        }
    }
}

/// A proxy in version 2.
#[derive(Debug, Serialize)]
pub(super) struct V2Proxy<'a> {
    name: &'a str,
    user: &'a str,
    #[serde(rename = "clientID")]
    client_id: &'a str,
    spec: V2Spec<'a>,
    status: V2Status,
}

/// The type, and under its name what was asked for.
#[derive(Debug)]
struct V2Spec<'a> {
    kind: &'a str,
    block: V2Block<'a>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct V2Block<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<&'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadatas: Option<&'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transport: Option<V2Transport<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    load_balancer: Option<Group<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_port: Option<i64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    custom_domains: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    subdomain: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    locations: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    host_header_rewrite: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    multiplexer: &'a str,
    #[serde(rename = "routeByHTTPUser", skip_serializing_if = "str::is_empty")]
    route_by_http_user: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct V2Transport<'a> {
    use_encryption: bool,
    use_compression: bool,
    bandwidth_limit: &'a str,
    bandwidth_limit_mode: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct V2Status {
    phase: &'static str,
    today_traffic_in: u64,
    today_traffic_out: u64,
    cur_conns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_start_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_close_at: Option<i64>,
}

impl<'a> From<&'a ProxyRow> for V2Proxy<'a> {
    fn from(row: &'a ProxyRow) -> Self {
        let block = row.ask.as_deref().map(|ask| V2Block::new(&row.kind, ask));
        let today = row.today();
        Self {
            name: row.name.as_str(),
            user: &row.owner.user,
            client_id: &row.owner.client_id,
            spec: V2Spec {
                kind: &row.kind,
                block: block.unwrap_or_default(),
            },
            status: V2Status {
                phase: phase(row.ask.is_some()),
                today_traffic_in: today.inward,
                today_traffic_out: today.outward,
                cur_conns: row.connections,
                last_start_at: row.started.map(|at| at.timestamp()),
                last_close_at: row.closed.map(|at| at.timestamp()),
            },
        }
    }
}

impl<'a> V2Block<'a> {
    fn new(kind: &str, ask: &'a NewProxy) -> Self {
        let some = |map: &'a BTreeMap<_, _>| Some(map).filter(|map| !map.is_empty());
        let mut block = Self {
            annotations: some(&ask.annotations),
            metadatas: some(&ask.metas),
            transport: Some(V2Transport {
                use_encryption: ask.use_encryption,
                use_compression: ask.use_compression,
                bandwidth_limit: &ask.bandwidth_limit,
                bandwidth_limit_mode: limit_mode(ask),
            }),
            load_balancer: Some(Group { group: &ask.group }),
            ..Self::default()
        };
        match kind {
            "tcp" | "udp" => block.remote_port = Some(ask.remote_port),
            "http" | "https" | "tcpmux" => {
                block.custom_domains = &ask.custom_domains;
                block.subdomain = &ask.subdomain;
            }
            _ => {}
        }
        if kind == "http" {
            block.locations = &ask.locations;
            block.host_header_rewrite = &ask.host_header_rewrite;
        }
        if kind == "tcpmux" {
            block.multiplexer = &ask.multiplexer;
            block.route_by_http_user = &ask.route_by_http_user;
        }
        block
    }
}

impl Serialize for V2Spec<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(2))?;
        map.serialize_entry("type", self.kind)?;
        map.serialize_entry(self.kind, &self.block)?;
        map.end()
    }
}

impl V2Proxy<'_> {
    /// Whether any of the texts that a search looks at holds `wanted`, which is in lower case.
    pub(super) fn mentions(&self, wanted: &str) -> bool {
        let block = &self.spec.block;
        let port = block.remote_port.map(|port| port.to_string());
        let texts = [
            self.name,
            self.spec.kind,
            self.user,
            self.client_id,
            self.status.phase,
            block.subdomain,
        ];
        let domains = block.custom_domains.iter().map(String::as_str);
        let mut texts = texts.into_iter().chain(domains).chain(port.as_deref());
        texts.any(|text| text.to_lowercase().contains(wanted))
    }
}

fn limit_mode(ask: &NewProxy) -> &str {
    if ask.bandwidth_limit_mode.is_empty() {
        "client"
    } else {
        &ask.bandwidth_limit_mode
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks this way")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}
