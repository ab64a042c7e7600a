//! `plugin` of a proxy (upstream: pkg/config/v1/proxy_plugin.go).

use crate::decode::{Decode, Decoder, Key, Section, Shape, section, union};
use crate::raw::proxy::{RawHeaders, type_of, unknown_type};
use crate::tree::Node;
use crate::types::Secret;

/// The types of plugins.
pub(crate) const PLUGIN_TYPES: [&str; 10] = [
    "http_proxy",
    "socks5",
    "static_file",
    "unix_domain_socket",
    "http2https",
    "http2http",
    "https2http",
    "https2https",
    "tls2raw",
    "virtual_net",
];

/// A plugin: its type and its keys.
#[derive(Debug, Clone)]
pub(crate) enum RawPlugin {
    /// `http_proxy`.
    HttpProxy(RawHttpLogin),
    /// `socks5`.
    Socks5(RawSocks5),
    /// `static_file`.
    StaticFile(RawStaticFile),
    /// `unix_domain_socket`.
    UnixDomainSocket(RawUnix),
    /// `http2https`.
    Http2Https(RawRewrite),
    /// `http2http`.
    Http2Http(RawRewrite),
    /// `https2http`.
    Https2Http(RawHttpsFront),
    /// `https2https`.
    Https2Https(RawHttpsFront),
    /// `tls2raw`.
    Tls2Raw(RawTls2Raw),
    /// `virtual_net`.
    VirtualNet,
}

section! {
    /// The key of every type.
    struct RawPluginHead {
        /// The type.
        "type" => _kind: String,
    }
}

section! {
    /// The keys of `http_proxy`.
    struct RawHttpLogin {
        /// User of proxy authentication.
        "httpUser" => http_user: String,
        /// Password of proxy authentication.
        "httpPassword" => http_password: Secret,
        /// Networks that users do not get to; not upstream's.
        "denyTargets" => deny_targets: Vec<String>,
    }
}

section! {
    /// The keys of `socks5`.
    struct RawSocks5 {
        /// The user.
        "username" => username: String,
        /// The password.
        "password" => password: Secret,
        /// Networks that users do not get to; not upstream's.
        "denyTargets" => deny_targets: Vec<String>,
    }
}

section! {
    /// The keys of `static_file`.
    struct RawStaticFile {
        /// The folder.
        "localPath" => local_path: String,
        /// Removed from the front of request paths.
        "stripPrefix" => strip_prefix: String,
        /// User of HTTP basic authentication.
        "httpUser" => http_user: String,
        /// Password of HTTP basic authentication.
        "httpPassword" => http_password: Secret,
    }
}

section! {
    /// The keys of `unix_domain_socket`.
    struct RawUnix {
        /// The path of the socket.
        "unixPath" => unix_path: String,
    }
}

section! {
    /// The keys of `http2https` and `http2http`.
    struct RawRewrite {
        /// The backend, host:port.
        "localAddr" => local_addr: String,
        /// The Host header for the backend.
        "hostHeaderRewrite" => host_header_rewrite: String,
        /// Changes to the headers of requests.
        "requestHeaders" => request_headers: RawHeaders,
    }
}

section! {
    /// The keys of `https2http` and `https2https`.
    struct RawHttpsFront {
        /// The backend, host:port.
        "localAddr" => local_addr: String,
        /// The Host header for the backend.
        "hostHeaderRewrite" => host_header_rewrite: String,
        /// Changes to the headers of requests.
        "requestHeaders" => request_headers: RawHeaders,
        /// Offer HTTP/2; default true.
        "enableHTTP2" => enable_http2: Option<bool>,
        /// Our certificate; a generated one if empty.
        "crtPath" => crt_path: String,
        /// Its private key.
        "keyPath" => key_path: String,
    }
}

section! {
    /// The keys of `tls2raw`.
    struct RawTls2Raw {
        /// The backend, host:port.
        "localAddr" => local_addr: String,
        /// Our certificate; a generated one if empty.
        "crtPath" => crt_path: String,
        /// Its private key.
        "keyPath" => key_path: String,
    }
}

/// The keys of a plugin of type `kind`, in upstream's order.
pub(crate) fn keys_of(kind: &str) -> Vec<Key> {
    let own = match kind {
        "http_proxy" => RawHttpLogin::keys(),
        "socks5" => RawSocks5::keys(),
        "static_file" => RawStaticFile::keys(),
        "unix_domain_socket" => RawUnix::keys(),
        "http2https" | "http2http" => RawRewrite::keys(),
        "https2http" | "https2https" => RawHttpsFront::keys(),
        "tls2raw" => RawTls2Raw::keys(),
        _ => Vec::new(),
    };
    union([RawPluginHead::keys(), own])
}

fn with<T: Section>(
    node: &Node,
    decoder: &mut Decoder<'_>,
    kind: impl FnOnce(T) -> RawPlugin,
) -> Option<RawPlugin> {
    decoder
        .section::<(RawPluginHead, T)>(node)
        .map(|(_, own)| kind(own))
}

impl Decode for RawPlugin {
    fn shape() -> Shape {
        Shape::typed(&PLUGIN_TYPES, keys_of)
    }

    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        match type_of(node) {
            "http_proxy" => with(node, decoder, Self::HttpProxy),
            "socks5" => with(node, decoder, Self::Socks5),
            "static_file" => with(node, decoder, Self::StaticFile),
            "unix_domain_socket" => with(node, decoder, Self::UnixDomainSocket),
            "http2https" => with(node, decoder, Self::Http2Https),
            "http2http" => with(node, decoder, Self::Http2Http),
            "https2http" => with(node, decoder, Self::Https2Http),
            "https2https" => with(node, decoder, Self::Https2Https),
            "tls2raw" => with(node, decoder, Self::Tls2Raw),
            "virtual_net" => with(node, decoder, |()| Self::VirtualNet),
            "" => decoder.empty_type(node, "plugin type is empty"),
            _ => {
                unknown_type(node, "unknown plugin type", &PLUGIN_TYPES, decoder);
                None
            }
        }
    }
}
