//! The checked configuration of frps: defaults filled in, contradictions impossible.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use crate::extend::FreeTable;
use crate::types::{
    AuthMethod, IdentityFiles, Log, Port, PortRanges, QuicOptions, Scopes, TcpMux, WebServer,
};

/// Everything that frps is told.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerConfig {
    /// Where clients connect to (an address without a port).
    pub bind_addr: String,
    /// The TCP port for clients.
    pub bind_port: u16,
    /// The UDP port for KCP clients.
    pub kcp_bind_port: Option<Port>,
    /// The UDP port for QUIC clients.
    pub quic_bind_port: Option<Port>,
    /// Where published ports are opened.
    pub proxy_bind_addr: String,
    /// The shared port of http proxies; may equal `bind_port`.
    pub vhost_http_port: Option<Port>,
    /// How long a backend may take to its response header before the user gets a 504.
    pub vhost_http_timeout: Duration,
    /// What the user of an http proxy is told when its backend fails.
    pub vhost_http_error_mode: VhostErrorMode,
    /// The shared port of https proxies; may equal `bind_port`.
    pub vhost_https_port: Option<Port>,
    /// The HTTP CONNECT front of tcpmux proxies.
    pub tcpmux_http_connect: Option<TcpMuxHttpConnect>,
    /// The domain under which proxies may ask for a sub domain.
    pub sub_domain_host: Option<String>,
    /// A page of our own in place of the built-in 404, read on each use.
    pub custom_404_page: Option<PathBuf>,
    /// Whether a client is told the reason of a refusal.
    pub detailed_errors_to_client: bool,
    /// Ports that one client may hold.
    pub max_ports_per_client: Option<NonZeroU32>,
    /// How long a user waits for a work connection.
    pub user_conn_timeout: Duration,
    /// The largest UDP payload in bytes; must equal the client's.
    pub udp_packet_size: usize,
    /// How long NAT hole punching results are remembered.
    pub nat_hole_analysis_data_reserve: Duration,
    /// The ports that clients may ask for.
    pub allow_ports: PortRanges,
    /// Programs that are asked before an operation, in order.
    pub http_plugins: Vec<HttpPlugin>,
    /// How clients prove themselves.
    pub auth: ServerAuth,
    /// Log lines.
    pub log: Log,
    /// Dashboard and API.
    pub web_server: Option<WebServer>,
    /// How bytes cross the network.
    pub transport: ServerTransport,
    /// The SSH front.
    pub ssh_tunnel_gateway: Option<SshTunnelGateway>,
    /// Read the file again whenever it changes; not upstream's.
    pub watch_config: bool,
    /// Where clients connect to besides the ports above.
    pub listeners: Vec<Listener>,
}

/// One entry of `listeners`.
#[derive(Debug, Clone, PartialEq)]
pub struct Listener {
    /// The transport's name, or `exec:` and the path of a program.
    pub transport: String,
    /// Where it listens.
    pub bind: SocketAddr,
    /// The transport's own options: the entry's, or those of `[transport.<name>]`.
    pub own: FreeTable,
}

/// `vhostHTTPErrorMode`, which upstream does not have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum VhostErrorMode {
    /// Upstream's: the page of an unknown host, 404.
    #[default]
    Compatible,
    /// 502 for a backend that refuses or breaks off, 503 when no client serves it.
    Precise,
}

/// The `tcpmuxHTTPConnectPort` front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpMuxHttpConnect {
    /// The port of the front.
    pub port: Port,
    /// Whether the backend sees the CONNECT request itself.
    pub passthrough: bool,
}

/// The `auth` table of frps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAuth {
    /// Token or OIDC.
    pub method: AuthMethod<ServerOidc>,
    /// What besides the login is checked.
    pub scopes: Scopes,
}

/// `auth.oidc` of frps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerOidc {
    /// The issuer's URL.
    pub issuer: String,
    /// The audience that a token must have; none = not checked.
    pub audience: Option<String>,
    /// Accept tokens that have expired.
    pub skip_expiry_check: bool,
    /// Accept tokens of any issuer.
    pub skip_issuer_check: bool,
}

/// The `transport` table of frps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerTransport {
    /// yamux; `None` = one TCP connection per purpose. Must equal the client's.
    pub tcp_mux: Option<TcpMux>,
    /// Idle time before TCP keepalive probes; `None` = no probes.
    pub tcp_keepalive: Option<Duration>,
    /// The most pooled work connections that a client may ask for.
    pub max_pool_count: u32,
    /// Silence after which a client is given up; `None` = never.
    pub heartbeat_timeout: Option<Duration>,
    /// QUIC.
    pub quic: QuicOptions,
    /// TLS.
    pub tls: ServerTls,
}

/// `transport.tls` of frps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerTls {
    /// Refuse clients without TLS; always true when `trusted_ca` is set.
    pub force: bool,
    /// Our certificate; `None` = one generated at start.
    pub identity: Option<IdentityFiles>,
    /// Clients must show a certificate signed by this authority.
    pub trusted_ca: Option<PathBuf>,
}

/// One entry of `httpPlugins`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpPlugin {
    /// Its name, for log lines.
    pub name: String,
    /// `host:port`, or a URL that begins with `http://` or `https://`.
    pub addr: String,
    /// The path of requests.
    pub path: String,
    /// The operations that it is asked about.
    pub ops: Vec<PluginOp>,
    /// Whether its certificate is verified.
    pub tls_verify: bool,
}

/// An operation that a server plugin can be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PluginOp {
    /// A client logs in.
    Login,
    /// A client publishes a proxy.
    NewProxy,
    /// A proxy ended.
    CloseProxy,
    /// A heartbeat.
    Ping,
    /// A work connection.
    NewWorkConn,
    /// A user connects.
    NewUserConn,
}

impl PluginOp {
    /// Every operation, in upstream's order.
    pub const ALL: [Self; 6] = [
        Self::Login,
        Self::NewProxy,
        Self::CloseProxy,
        Self::Ping,
        Self::NewWorkConn,
        Self::NewUserConn,
    ];

    /// The word used in the file and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "Login",
            Self::NewProxy => "NewProxy",
            Self::CloseProxy => "CloseProxy",
            Self::Ping => "Ping",
            Self::NewWorkConn => "NewWorkConn",
            Self::NewUserConn => "NewUserConn",
        }
    }
}

/// The `sshTunnelGateway` table, present when its port is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshTunnelGateway {
    /// The TCP port of the SSH server.
    pub bind_port: Port,
    /// The host key.
    pub private_key_file: Option<PathBuf>,
    /// Where a generated host key is kept when none is given.
    pub auto_gen_private_key_path: PathBuf,
    /// The keys that may log in, read at each login; `None` = anybody.
    pub authorized_keys_file: Option<PathBuf>,
}
