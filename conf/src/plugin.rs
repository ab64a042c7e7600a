//! The checked form of a client plugin: a service inside frpc.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::network::Network;
use crate::types::{IdentityFiles, Secret};

/// `plugin` of a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginConfig {
    /// An HTTP forward proxy.
    HttpProxy(ForwardProxy),
    /// A SOCKS5 server.
    Socks5(ForwardProxy),
    /// A read-only file server.
    StaticFile(StaticFile),
    /// A Unix socket.
    UnixDomainSocket {
        /// The path of the socket.
        path: PathBuf,
    },
    /// HTTP users, HTTPS backend.
    Http2Https(HttpRewrite),
    /// HTTP users, HTTP backend.
    Http2Http(HttpRewrite),
    /// HTTPS users, HTTP backend.
    Https2Http(HttpsFront),
    /// HTTPS users, HTTPS backend.
    Https2Https(HttpsFront),
    /// TLS users, plain backend.
    Tls2Raw {
        /// The backend, `host:port`.
        local_addr: String,
        /// Our certificate; `None` = a generated one.
        identity: Option<IdentityFiles>,
    },
    /// The virtual network.
    VirtualNet,
}

impl PluginConfig {
    /// The `type` word of the file.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match self {
            Self::HttpProxy(_) => "http_proxy",
            Self::Socks5(_) => "socks5",
            Self::StaticFile(_) => "static_file",
            Self::UnixDomainSocket { .. } => "unix_domain_socket",
            Self::Http2Https(_) => "http2https",
            Self::Http2Http(_) => "http2http",
            Self::Https2Http(_) => "https2http",
            Self::Https2Https(_) => "https2https",
            Self::Tls2Raw { .. } => "tls2raw",
            Self::VirtualNet => "virtual_net",
        }
    }
}

/// What users of a plugin must know; both empty = nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PluginLogin {
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// The keys of `http_proxy` and `socks5`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForwardProxy {
    /// What users must know.
    pub login: PluginLogin,
    /// Where users do not get to, whatever name leads there; upstream has no such key.
    pub deny_targets: Vec<Network>,
}

/// The keys of `static_file`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StaticFile {
    /// The folder.
    pub local_path: PathBuf,
    /// Removed from the front of request paths.
    pub strip_prefix: String,
    /// HTTP basic authentication.
    pub login: PluginLogin,
}

/// How requests are changed on their way to the backend.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpRewrite {
    /// The backend, `host:port`.
    pub local_addr: String,
    /// The Host header that the backend sees; empty = unchanged.
    pub host_header_rewrite: String,
    /// Headers set on requests.
    pub request_headers: BTreeMap<String, String>,
}

/// The keys of `https2http` and `https2https`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpsFront {
    /// The backend and what is changed.
    pub rewrite: HttpRewrite,
    /// Offer HTTP/2.
    pub enable_http2: bool,
    /// Our certificate; `None` = a generated one.
    pub identity: Option<IdentityFiles>,
}
