//! One entry of `visitors` (upstream: pkg/config/v1/visitor.go, visitor_plugin.go).

use crate::decode::{Decode, Decoder, Key, Section, Shape, section, union};
use crate::raw::plugin::RawPluginHead;
use crate::raw::proxy::{RawNatTraversal, type_of, unknown_type};
use crate::tree::Node;
use crate::types::Secret;

/// The types of visitors.
pub(crate) const VISITOR_TYPES: [&str; 3] = ["stcp", "sudp", "xtcp"];

/// One visitor: the keys of every type, and those of its own.
#[derive(Debug, Clone)]
pub(crate) struct RawVisitor {
    /// Its place in the file's list.
    pub index: usize,
    /// The keys of every type.
    pub base: RawVisitorBase,
    /// The type and its keys.
    pub kind: RawVisitorKind,
}

/// The type of a visitor and its keys.
#[derive(Debug, Clone)]
pub(crate) enum RawVisitorKind {
    /// `stcp`.
    Stcp,
    /// `sudp`.
    Sudp,
    /// `xtcp`.
    Xtcp(RawXtcpVisitor),
}

section! {
    /// The keys of every type.
    struct RawVisitorBase {
        /// Its name; unique in the file.
        "name" => name: String,
        /// stcp, sudp or xtcp.
        "type" => _kind: String,
        /// Run it; default true.
        "enabled" => enabled: Option<bool>,
        /// What happens to traffic between frpc and frps.
        "transport" => transport: RawVisitorTransport,
        /// The service's secret key.
        "secretKey" => secret_key: Secret,
        /// The user that owns the service; default our own.
        "serverUser" => server_user: String,
        /// The service's name.
        "serverName" => server_name: String,
        /// Where to listen; default 127.0.0.1.
        "bindAddr" => bind_addr: String,
        /// Where to listen; negative = no listener.
        "bindPort" => bind_port: i64,
        /// A service inside frpc in place of the listener.
        "plugin" => plugin: Option<RawVisitorPlugin>,
    }
}

section! {
    /// `transport` of a visitor.
    struct RawVisitorTransport {
        /// Encrypt connections.
        "useEncryption" => use_encryption: bool,
        /// Compress connections.
        "useCompression" => use_compression: bool,
    }
}

section! {
    /// The keys of `xtcp`.
    struct RawXtcpVisitor {
        /// quic (default) or kcp.
        "protocol" => protocol: String,
        /// Keep the tunnel open while nobody uses it.
        "keepTunnelOpen" => keep_tunnel_open: bool,
        /// Tries of a closed tunnel per hour; default 8.
        "maxRetriesAnHour" => max_retries_an_hour: i64,
        /// Seconds between tries; default 90.
        "minRetryInterval" => min_retry_interval: i64,
        /// The visitor that takes over.
        "fallbackTo" => fallback_to: String,
        /// Milliseconds until it does; default 1000.
        "fallbackTimeoutMs" => fallback_timeout_ms: i64,
        /// How peers find each other.
        "natTraversal" => nat_traversal: RawNatTraversal,
    }
}

section! {
    /// The keys of the plugin `virtual_net`.
    struct RawVisitorVirtualNet {
        /// The address that leads to the service.
        "destinationIP" => destination_ip: String,
    }
}

/// The keys of a visitor of type `kind`, in upstream's order.
pub(crate) fn keys_of(kind: &str) -> Vec<Key> {
    let own = match kind {
        "xtcp" => RawXtcpVisitor::keys(),
        _ => Vec::new(),
    };
    union([RawVisitorBase::keys(), own])
}

/// The keys of a visitor's plugin.
pub(crate) fn plugin_keys() -> Vec<Key> {
    <(RawPluginHead, RawVisitorVirtualNet)>::keys()
}

/// `plugin` of a visitor; `virtual_net` is the only type.
#[derive(Debug, Clone)]
pub(crate) struct RawVisitorPlugin(pub RawVisitorVirtualNet);

impl Decode for RawVisitorPlugin {
    fn shape() -> Shape {
        Shape::typed(&["virtual_net"], |_| plugin_keys())
    }

    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        match type_of(node) {
            "virtual_net" => decoder
                .section::<(RawPluginHead, RawVisitorVirtualNet)>(node)
                .map(|(_, o)| Self(o)),
            "" => decoder.empty_type(node, "visitor plugin type is empty"),
            _ => {
                unknown_type(
                    node,
                    "unknown visitor plugin type",
                    &["virtual_net"],
                    decoder,
                );
                None
            }
        }
    }
}

impl Decode for RawVisitor {
    fn shape() -> Shape {
        Shape::typed(&VISITOR_TYPES, keys_of)
    }

    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let index = decoder.index();
        let (base, kind) = match type_of(node) {
            "stcp" => (decoder.section(node)?, RawVisitorKind::Stcp),
            "sudp" => (decoder.section(node)?, RawVisitorKind::Sudp),
            "xtcp" => {
                let (base, own) = decoder.section::<(RawVisitorBase, _)>(node)?;
                (base, RawVisitorKind::Xtcp(own))
            }
            _ => {
                unknown_type(node, "unknown visitor type", &VISITOR_TYPES, decoder);
                return None;
            }
        };
        Some(Self { index, base, kind })
    }
}
