//! The parts that a build of the programs may be without: their keys are refused.

/// A part that a build may be without: a Cargo feature of the programs, and of this crate, which
/// refuses its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The web servers: dashboards, admin API, metrics.
    Dashboard,
    /// Programs: transports of their own, and what writes a token.
    Exec,
    /// http, https and tcpmux proxies at the server, and health checks by HTTP.
    Http,
    /// The transport kcp.
    Kcp,
    /// OpenID Connect.
    Oidc,
    /// Plugins of clients and of servers, and the virtual network.
    Plugins,
    /// Proxies on the way to a server.
    ProxyUrl,
    /// The transport quic.
    Quic,
    /// The SSH gateway.
    Ssh,
    /// Datagrams: udp and sudp.
    Udp,
    /// Visitors, and what they visit at the server.
    Visitors,
    /// The transports websocket and wss.
    Websocket,
    /// Proxies and visitors from peer to peer.
    Xtcp,
}

impl Part {
    /// The name of the Cargo feature.
    pub(crate) const fn feature(self) -> &'static str {
        match self {
            Self::Dashboard => "dashboard",
            Self::Exec => "exec",
            Self::Http => "http",
            Self::Kcp => "kcp",
            Self::Oidc => "oidc",
            Self::Plugins => "plugins",
            Self::ProxyUrl => "proxy-url",
            Self::Quic => "quic",
            Self::Ssh => "ssh",
            Self::Udp => "udp",
            Self::Visitors => "visitors",
            Self::Websocket => "websocket",
            Self::Xtcp => "xtcp",
        }
    }

    /// Whether this build has it.
    pub(crate) const fn is_here(self) -> bool {
        match self {
            Self::Dashboard => cfg!(feature = "dashboard"),
            Self::Exec => cfg!(feature = "exec"),
            Self::Http => cfg!(feature = "http"),
            Self::Kcp => cfg!(feature = "kcp"),
            Self::Oidc => cfg!(feature = "oidc"),
            Self::Plugins => cfg!(feature = "plugins"),
            Self::ProxyUrl => cfg!(feature = "proxy-url"),
            Self::Quic => cfg!(feature = "quic"),
            Self::Ssh => cfg!(feature = "ssh"),
            Self::Udp => cfg!(feature = "udp"),
            Self::Visitors => cfg!(feature = "visitors"),
            Self::Websocket => cfg!(feature = "websocket"),
            Self::Xtcp => cfg!(feature = "xtcp"),
        }
    }
}
