//! One entry of `proxies` (upstream: pkg/config/v1/proxy.go).

use std::collections::BTreeMap;

use crate::decode::{Decode, Decoder, Key, Section, Shape, section, union};
use crate::error::Fault;
use crate::raw::plugin::RawPlugin;
use crate::suggest;
use crate::tree::{Node, Value};
use crate::types::{Bandwidth, Secret};

/// The types of proxies.
pub(crate) const PROXY_TYPES: [&str; 8] = [
    "tcp", "udp", "http", "https", "tcpmux", "stcp", "sudp", "xtcp",
];

/// One proxy: the keys of every type, and those of its own.
#[derive(Debug, Clone)]
pub(crate) struct RawProxy {
    /// Its place in the file's list.
    pub index: usize,
    /// The keys of every type.
    pub base: RawProxyBase,
    /// The keys of its type.
    pub kind: RawProxyKind,
}

/// The keys of one type.
#[derive(Debug, Clone)]
pub(crate) enum RawProxyKind {
    /// `tcp`.
    Tcp(RawRemotePort),
    /// `udp`.
    Udp(RawRemotePort),
    /// `http`.
    Http(Box<RawHttp>),
    /// `https`.
    Https(RawDomains),
    /// `tcpmux`.
    TcpMux(Box<(RawDomains, RawTcpMux)>),
    /// `stcp`.
    Stcp(RawSecret),
    /// `sudp`.
    Sudp(RawSecret),
    /// `xtcp`.
    Xtcp((RawSecret, RawNat)),
}

/// `http`: domains and the rest.
type RawHttp = (RawDomains, RawHttpRest);

section! {
    /// The keys of every type.
    struct RawProxyBase {
        /// Its name; unique in the file.
        "name" => name: String,
        /// tcp, udp, http, https, tcpmux, stcp, sudp or xtcp.
        "type" => _kind: String,
        /// Run it; default true.
        "enabled" => enabled: Option<bool>,
        /// Free pairs for the dashboard.
        "annotations" => annotations: BTreeMap<String, String>,
        /// What happens to traffic between frpc and frps.
        "transport" => transport: RawProxyTransport,
        /// Free pairs for server plugins.
        "metadatas" => metadatas: BTreeMap<String, String>,
        /// Proxies that share a port or a name.
        "loadBalancer" => load_balancer: RawLoadBalancer,
        /// Publish the service only while it is well.
        "healthCheck" => health_check: RawHealthCheck,
        /// The backend; default 127.0.0.1.
        "localIP" => local_ip: String,
        /// The backend's port.
        "localPort" => local_port: i64,
        /// A service inside frpc in place of the backend.
        "plugin" => plugin: Option<RawPlugin>,
    }
}

section! {
    /// `transport` of a proxy.
    struct RawProxyTransport {
        /// Encrypt work connections.
        "useEncryption" => use_encryption: bool,
        /// Compress work connections.
        "useCompression" => use_compression: bool,
        /// A rate such as 1.5MB or 200KB, per second; "" = none.
        "bandwidthLimit" => bandwidth_limit: RawBandwidth,
        /// client (default) or server.
        "bandwidthLimitMode" => bandwidth_limit_mode: String,
        /// v1 or v2: tell the backend the user's address; "" = no.
        "proxyProtocolVersion" => proxy_protocol_version: String,
    }
}

section! {
    /// `loadBalancer`.
    struct RawLoadBalancer {
        /// The group's name; "" = none.
        "group" => group: String,
        /// What a member must know to join.
        "groupKey" => group_key: Secret,
    }
}

section! {
    /// `healthCheck`.
    struct RawHealthCheck {
        /// tcp or http; "" = none.
        "type" => kind: String,
        /// Seconds that an answer may take; default 3.
        "timeoutSeconds" => timeout_seconds: i64,
        /// Failures that withdraw the proxy; default 1.
        "maxFailed" => max_failed: i64,
        /// Seconds between checks; default 10.
        "intervalSeconds" => interval_seconds: i64,
        /// The path for http.
        "path" => path: String,
        /// Headers for http.
        "httpHeaders" => http_headers: Vec<RawHeader>,
    }
}

section! {
    /// One header of a health check.
    struct RawHeader {
        /// Its name.
        "name" => name: String,
        /// Its value.
        "value" => value: String,
    }
}

section! {
    /// The keys of `tcp` and `udp`.
    struct RawRemotePort {
        /// The server's port; 0 = the server chooses.
        "remotePort" => remote_port: i64,
    }
}

section! {
    /// Domains of `http`, `https` and `tcpmux`.
    struct RawDomains {
        /// Host names.
        "customDomains" => custom_domains: Vec<String>,
        /// A label under the server's subDomainHost.
        "subdomain" => subdomain: String,
    }
}

section! {
    /// The keys of `http`.
    struct RawHttpRest {
        /// Path prefixes; empty = all.
        "locations" => locations: Vec<String>,
        /// User of HTTP basic authentication.
        "httpUser" => http_user: String,
        /// Password of HTTP basic authentication.
        "httpPassword" => http_password: Secret,
        /// The Host header for the backend.
        "hostHeaderRewrite" => host_header_rewrite: String,
        /// Changes to the headers of requests.
        "requestHeaders" => request_headers: RawHeaders,
        /// Changes to the headers of answers.
        "responseHeaders" => response_headers: RawHeaders,
        /// Only requests of this user.
        "routeByHTTPUser" => route_by_http_user: String,
    }
}

section! {
    /// Header changes.
    struct RawHeaders {
        /// Headers to set.
        "set" => set: BTreeMap<String, String>,
    }
}

section! {
    /// The keys of `tcpmux`.
    struct RawTcpMux {
        /// User of proxy authentication.
        "httpUser" => http_user: String,
        /// Password of proxy authentication.
        "httpPassword" => http_password: Secret,
        /// Only requests of this user.
        "routeByHTTPUser" => route_by_http_user: String,
        /// httpconnect.
        "multiplexer" => multiplexer: String,
    }
}

section! {
    /// The keys of `stcp` and `sudp`.
    struct RawSecret {
        /// What a visitor must know.
        "secretKey" => secret_key: Secret,
        /// Users that may visit; empty = our own, `*` = any.
        "allowUsers" => allow_users: Vec<String>,
    }
}

section! {
    /// The further keys of `xtcp`.
    struct RawNat {
        /// How peers find each other.
        "natTraversal" => nat_traversal: RawNatTraversal,
    }
}

section! {
    /// `natTraversal`.
    struct RawNatTraversal {
        /// Do not offer the addresses of local interfaces.
        "disableAssistedAddrs" => disable_assisted_addrs: bool,
    }
}

/// `bandwidthLimit`; upstream reads it while decoding, so that even a disabled entry must be right
/// (pkg/config/types/types.go).
#[derive(Debug, Clone, Default)]
pub(crate) struct RawBandwidth(pub Option<Bandwidth>);

impl Decode for RawBandwidth {
    fn shape() -> Shape {
        Shape::Text
    }

    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let text = String::decode(node, decoder)?;
        match Bandwidth::parse(&text) {
            Ok(limit) => Some(Self(limit)),
            Err(error) => {
                let fault = Fault::BadValue {
                    gist: error.to_string(),
                    path: decoder.path(),
                    found: format!("{text:?}"),
                    remedy: "write a number and MB or KB, such as \"1.5MB\" or \"200KB\""
                        .to_owned(),
                };
                decoder.fault(node.line, fault);
                None
            }
        }
    }
}

/// The keys of a proxy of type `kind`, in upstream's order.
pub(crate) fn keys_of(kind: &str) -> Vec<Key> {
    let own = match kind {
        "tcp" | "udp" => RawRemotePort::keys(),
        "http" => RawHttp::keys(),
        "https" => RawDomains::keys(),
        "tcpmux" => <(RawDomains, RawTcpMux)>::keys(),
        "stcp" | "sudp" => RawSecret::keys(),
        "xtcp" => <(RawSecret, RawNat)>::keys(),
        _ => Vec::new(),
    };
    union([RawProxyBase::keys(), own])
}

/// The text of `type`, for entries whose other keys depend on it.
pub(crate) fn type_of(node: &Node) -> &str {
    match node.child("type").map(|node| &node.value) {
        Some(Value::String(text)) => text,
        _ => "",
    }
}

/// Notes that `type` is none of `allowed`.
pub(crate) fn unknown_type(node: &Node, gist: &str, allowed: &[&str], decoder: &mut Decoder<'_>) {
    let found = type_of(node);
    let near = suggest::nearest(found, allowed)
        .map_or_else(String::new, |near| format!("did you mean {near:?}? "));
    let fault = Fault::BadValue {
        gist: format!("{gist}: {found}"),
        path: format!("{}.type", decoder.path()),
        found: format!("{found:?}"),
        remedy: format!("{near}the types are {}", allowed.join(", ")),
    };
    decoder.fault(node.line_of("type"), fault);
}

fn with<T: Section>(
    node: &Node,
    decoder: &mut Decoder<'_>,
    kind: impl FnOnce(T) -> RawProxyKind,
) -> Option<RawProxy> {
    let index = decoder.index();
    decoder
        .section::<(RawProxyBase, T)>(node)
        .map(|(base, own)| RawProxy {
            index,
            base,
            kind: kind(own),
        })
}

impl Decode for RawProxy {
    fn shape() -> Shape {
        Shape::typed(&PROXY_TYPES, keys_of)
    }

    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        match type_of(node) {
            "tcp" => with(node, decoder, RawProxyKind::Tcp),
            "udp" => with(node, decoder, RawProxyKind::Udp),
            "http" => with(node, decoder, |own| RawProxyKind::Http(Box::new(own))),
            "https" => with(node, decoder, RawProxyKind::Https),
            "tcpmux" => with(node, decoder, |own| RawProxyKind::TcpMux(Box::new(own))),
            "stcp" => with(node, decoder, RawProxyKind::Stcp),
            "sudp" => with(node, decoder, RawProxyKind::Sudp),
            "xtcp" => with(node, decoder, RawProxyKind::Xtcp),
            _ => {
                unknown_type(node, "unknown proxy type", &PROXY_TYPES, decoder);
                None
            }
        }
    }
}
