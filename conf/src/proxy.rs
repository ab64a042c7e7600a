//! The checked form of one published service.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::plugin::PluginConfig;
use crate::types::{Bandwidth, BandwidthLimitMode, Port, Secret};

/// One entry of `proxies`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyConfig {
    /// Its name as written, without the user.
    pub name: String,
    /// How its bytes cross the network.
    pub transport: ProxyTransport,
    /// Shares its public side with the other members of a group.
    pub load_balancer: Option<LoadBalancer>,
    /// Publishes only while the backend answers.
    pub health_check: Option<HealthCheck>,
    /// Free pairs for the dashboard.
    pub annotations: BTreeMap<String, String>,
    /// Free pairs for server plugins.
    pub metadatas: BTreeMap<String, String>,
    /// What answers.
    pub backend: Backend,
    /// What users see.
    pub kind: ProxyKind,
}

impl ProxyConfig {
    /// The `type` word of the file and the wire, for example `tcp`.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        self.kind.name()
    }
}

/// `transport` of a proxy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProxyTransport {
    /// Encrypt work connections with the token.
    pub use_encryption: bool,
    /// Compress work connections.
    pub use_compression: bool,
    /// A rate limit over both directions and all connections.
    pub bandwidth_limit: Option<Bandwidth>,
    /// Which end limits.
    pub bandwidth_limit_mode: BandwidthLimitMode,
    /// Tell the backend the user's address with the PROXY protocol.
    pub proxy_protocol: Option<ProxyProtocol>,
}

/// A version of the PROXY protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// The text form.
    V1,
    /// The binary form.
    V2,
}

/// `loadBalancer` of a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadBalancer {
    /// The group's name.
    pub group: String,
    /// What a member must know to join.
    pub group_key: Secret,
}

/// `healthCheck` of a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// What is asked.
    pub probe: HealthProbe,
    /// How long an answer may take.
    pub timeout: Duration,
    /// Failures after which the proxy is withdrawn.
    pub max_failed: u32,
    /// The time between two checks.
    pub interval: Duration,
}

/// What a health check asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HealthProbe {
    /// A connection that opens.
    Tcp,
    /// A GET answered with 2xx.
    Http {
        /// The path.
        path: String,
        /// Headers; `Host` is honoured.
        headers: Vec<(String, String)>,
    },
}

/// What answers the users of a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backend {
    /// A service of this network.
    Local {
        /// Its name or address.
        ip: String,
        /// Its port; 0 was not refused by upstream either and fails when used.
        port: u16,
    },
    /// A service inside frpc.
    Plugin(PluginConfig),
}

/// What users of a proxy see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxyKind {
    /// A TCP port of the server.
    Tcp {
        /// The port; 0 = the server chooses.
        remote_port: u16,
    },
    /// A UDP port of the server.
    Udp {
        /// The port; 0 = the server chooses.
        remote_port: u16,
    },
    /// A web site on the server's http port.
    Http(HttpProxy),
    /// A site on the server's https port, chosen by SNI.
    Https(HttpsProxy),
    /// A destination of the server's HTTP CONNECT port.
    TcpMux(TcpMuxProxy),
    /// A TCP service for visitors only.
    Stcp(SecretProxy),
    /// A UDP service for visitors only.
    Sudp(SecretProxy),
    /// A peer-to-peer TCP service for visitors only.
    Xtcp(XtcpProxy),
}

impl ProxyKind {
    /// The `type` word of the file and the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Tcp { .. } => "tcp",
            Self::Udp { .. } => "udp",
            Self::Http(_) => "http",
            Self::Https(_) => "https",
            Self::TcpMux(_) => "tcpmux",
            Self::Stcp(_) => "stcp",
            Self::Sudp(_) => "sudp",
            Self::Xtcp(_) => "xtcp",
        }
    }
}

/// The keys of `type = "http"`; at least one domain or a sub domain is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpProxy {
    /// Host names; may begin with `*.`.
    pub custom_domains: Vec<String>,
    /// A label under the server's `subDomainHost`; empty = none.
    pub subdomain: String,
    /// Path prefixes; empty = every path.
    pub locations: Vec<String>,
    /// The user of HTTP basic authentication; empty with the password = none.
    pub http_user: String,
    /// The password of HTTP basic authentication.
    pub http_password: Secret,
    /// The Host header that the backend sees; empty = unchanged.
    pub host_header_rewrite: String,
    /// Headers set on requests.
    pub request_headers: BTreeMap<String, String>,
    /// Headers set on responses.
    pub response_headers: BTreeMap<String, String>,
    /// Only requests of this user; empty = all.
    pub route_by_http_user: String,
}

/// The keys of `type = "https"`; at least one domain or a sub domain is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpsProxy {
    /// Host names; may begin with `*.`.
    pub custom_domains: Vec<String>,
    /// A label under the server's `subDomainHost`; empty = none.
    pub subdomain: String,
}

/// The keys of `type = "tcpmux"` with the multiplexer `httpconnect`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TcpMuxProxy {
    /// Host names; may begin with `*.`.
    pub custom_domains: Vec<String>,
    /// A label under the server's `subDomainHost`; empty = none.
    pub subdomain: String,
    /// The user of proxy authentication; empty with the password = none.
    pub http_user: String,
    /// The password of proxy authentication.
    pub http_password: Secret,
    /// Only requests of this user; empty = all.
    pub route_by_http_user: String,
}

/// The keys of `type = "stcp"` and `type = "sudp"`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretProxy {
    /// What a visitor must know.
    pub secret_key: Secret,
    /// Users that may visit; empty = our own only, `*` = any.
    pub allow_users: Vec<String>,
}

/// The keys of `type = "xtcp"`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct XtcpProxy {
    /// What a visitor must know.
    pub secret_key: Secret,
    /// Users that may visit; empty = our own only, `*` = any.
    pub allow_users: Vec<String>,
    /// Do not offer the addresses of local interfaces.
    pub disable_assisted_addrs: bool,
}

impl Backend {
    /// The port of a local backend, `None` for plugins and port 0.
    #[must_use]
    pub fn local_port(&self) -> Option<Port> {
        match self {
            Self::Local { port, .. } => Port::new(*port),
            Self::Plugin(_) => None,
        }
    }
}
