//! The checked form of one visitor: the local end of somebody's secret service.

use std::time::Duration;

use crate::types::{Port, Secret};

/// One entry of `visitors`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitorConfig {
    /// Its name as written, without the user.
    pub name: String,
    /// Encrypt the connection with the secret key.
    pub use_encryption: bool,
    /// Compress the connection.
    pub use_compression: bool,
    /// The secret key of the service.
    pub secret_key: Secret,
    /// The user that owns the service; filled with our own when not written.
    pub server_user: String,
    /// The name of the service.
    pub server_name: String,
    /// Where we listen.
    pub bind_addr: String,
    /// Where we listen; `None` = only other visitors fall back to this one.
    pub bind_port: Option<Port>,
    /// A service inside frpc in place of the listener.
    pub plugin: Option<VisitorPlugin>,
    /// The type.
    pub kind: VisitorKind,
}

impl VisitorConfig {
    /// The `type` word of the file, for example `stcp`.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match self.kind {
            VisitorKind::Stcp => "stcp",
            VisitorKind::Sudp => "sudp",
            VisitorKind::Xtcp(_) => "xtcp",
        }
    }
}

/// The type of a visitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisitorKind {
    /// TCP through the server.
    Stcp,
    /// UDP through the server.
    Sudp,
    /// Peer to peer.
    Xtcp(XtcpVisitor),
}

/// The keys of `type = "xtcp"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XtcpVisitor {
    /// What carries the tunnel.
    pub protocol: XtcpProtocol,
    /// Keep the tunnel open while nobody uses it.
    pub keep_tunnel_open: bool,
    /// How often a closed tunnel is tried again within an hour.
    pub max_retries_an_hour: u32,
    /// The least time between two tries.
    pub min_retry_interval: Duration,
    /// Another visitor that takes over.
    pub fallback: Option<Fallback>,
    /// Do not offer the addresses of local interfaces.
    pub disable_assisted_addrs: bool,
}

/// Where an xtcp visitor sends its users when no tunnel comes up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// The name of the other visitor.
    pub visitor: String,
    /// How long a tunnel is waited for.
    pub after: Duration,
}

/// What carries an xtcp tunnel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum XtcpProtocol {
    /// QUIC.
    #[default]
    Quic,
    /// KCP.
    Kcp,
}

/// `plugin` of a visitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisitorPlugin {
    /// Routes an address of the virtual network to the service.
    VirtualNet {
        /// The address.
        destination_ip: String,
    },
}
