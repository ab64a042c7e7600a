//! The checked configuration of frpc: defaults filled in, contradictions impossible.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::auto::AutoTransport;
use crate::definition::Definitions;
use crate::extend::FreeTable;
use crate::network::Network;
use crate::proxy::ProxyConfig;
use crate::servers::Servers;
use crate::sessions::{Sessions, WorkConns};
use crate::types::{
    AuthMethod, IdentityFiles, Log, QuicOptions, Scopes, Secret, TcpMux, ValueSource, WebServer,
};
use crate::visitor::VisitorConfig;

/// Everything that frpc is told.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientConfig {
    /// Put before every proxy name on the wire as `user.`; empty = nothing.
    pub user: String,
    /// The identity shown by the dashboard; empty = none.
    pub client_id: String,
    /// The name or address of frps.
    pub server_addr: String,
    /// The port of frps.
    pub server_port: u16,
    /// The domain whose SRV records say where frps is, in place of the two above.
    pub server_srv: Option<String>,
    /// Several servers in place of the one; see
    /// [`for_each_server`](ClientConfig::for_each_server).
    pub servers: Option<Servers>,
    /// The STUN server for xtcp, `host:port`.
    pub nat_hole_stun_server: String,
    /// The name server, `host:port`; `None` = the system's.
    pub dns_server: Option<String>,
    /// Whether a failed first login ends the program.
    pub login_fail_exit: bool,
    /// The names that were asked for; already applied to `proxies` and `visitors`.
    pub start: Vec<String>,
    /// The largest UDP payload in bytes; must equal the server's.
    pub udp_packet_size: usize,
    /// Free pairs that are sent at login.
    pub metadatas: BTreeMap<String, String>,
    /// Experimental features by name.
    pub feature_gates: BTreeMap<String, bool>,
    /// Our address in the virtual network, and that network.
    pub virtual_net_address: Option<Network>,
    /// The file of proxies that were added at run time.
    pub store: Option<PathBuf>,
    /// How we prove ourselves.
    pub auth: ClientAuth,
    /// Log lines.
    pub log: Log,
    /// Admin page and API.
    pub web_server: Option<WebServer>,
    /// How bytes cross the network.
    pub transport: ClientTransport,
    /// Reload the file when it changes.
    pub watch_config: bool,
    /// The proxies and visitors as written, also those that are not to run.
    pub definitions: Definitions,
    /// What is published, sorted by name; only the entries that are to run.
    pub proxies: Vec<ProxyConfig>,
    /// What is reached, sorted by name; only the entries that are to run.
    pub visitors: Vec<VisitorConfig>,
}

impl ClientConfig {
    /// The keys with another value in `new` that a running client does not take over.
    #[must_use]
    pub fn fixed_differences(&self, new: &Self) -> Vec<&'static str> {
        let same = [
            ("user", self.user == new.user),
            ("clientID", self.client_id == new.client_id),
            ("serverAddr", self.server_addr == new.server_addr),
            ("serverPort", self.server_port == new.server_port),
            ("servers", self.servers == new.servers),
            (
                "natHoleStunServer",
                self.nat_hole_stun_server == new.nat_hole_stun_server,
            ),
            ("dnsServer", self.dns_server == new.dns_server),
            ("loginFailExit", self.login_fail_exit == new.login_fail_exit),
            ("udpPacketSize", self.udp_packet_size == new.udp_packet_size),
            ("metadatas", self.metadatas == new.metadatas),
            ("featureGates", self.feature_gates == new.feature_gates),
            (
                "virtualNet",
                self.virtual_net_address == new.virtual_net_address,
            ),
            ("store", self.store == new.store),
            ("auth", self.auth == new.auth),
            ("log", self.log == new.log),
            ("webServer", self.web_server == new.web_server),
            ("transport", self.transport == new.transport),
            ("watchConfig", self.watch_config == new.watch_config),
        ];
        let changed = same.into_iter().filter(|(_, same)| !same);
        changed.map(|(key, _)| key).collect()
    }
}

/// The `auth` table of frpc.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientAuth {
    /// Token or OIDC.
    pub method: AuthMethod<ClientOidc>,
    /// What besides the login is signed.
    pub scopes: Scopes,
}

/// `auth.oidc` of frpc: where ID tokens come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientOidc {
    /// The client credentials flow.
    Credentials(OidcCredentials),
    /// Read for each request.
    Source(ValueSource),
}

/// What the client credentials flow needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcCredentials {
    /// Our id at the provider.
    pub client_id: String,
    /// Our secret at the provider.
    pub client_secret: Secret,
    /// The audience to ask for; empty = none.
    pub audience: String,
    /// The scope to ask for; empty = none.
    pub scope: String,
    /// The provider's token endpoint, an http or https URL.
    pub token_endpoint_url: String,
    /// Further form fields of the request.
    pub additional_endpoint_params: BTreeMap<String, String>,
    /// Trust this authority for the endpoint.
    pub trusted_ca: Option<PathBuf>,
    /// Do not verify the endpoint's certificate.
    pub insecure_skip_verify: bool,
    /// Reach the endpoint through this proxy.
    pub proxy_url: Option<Secret>,
}

/// `transport.protocol`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// KCP over UDP.
    Kcp,
    /// QUIC.
    Quic,
    /// WebSocket.
    Websocket,
    /// WebSocket inside TLS.
    Wss,
    /// The best of [`AutoTransport::candidates`](crate::AutoTransport) that works.
    Auto,
    /// A transport beyond upstream's, by its name, or `exec:` and the path of a program.
    Other(String),
}

impl Protocol {
    /// The word used in the file.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Tcp => "tcp",
            Self::Kcp => "kcp",
            Self::Quic => "quic",
            Self::Websocket => "websocket",
            Self::Wss => "wss",
            Self::Auto => "auto",
            Self::Other(name) => name,
        }
    }
}

/// `transport.wireProtocol`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WireVersion {
    /// What every server speaks.
    #[default]
    V1,
    /// Servers from 0.69 on.
    V2,
}

/// The `transport` table of frpc.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientTransport {
    /// What carries the connection.
    pub protocol: Protocol,
    /// What [`Protocol::Auto`] chooses from.
    pub auto: AutoTransport,
    /// The free table of a transport beyond upstream's, `[transport.<name>]`.
    pub own: FreeTable,
    /// The framing of messages.
    pub wire: WireVersion,
    /// Links of one login.
    pub sessions: Sessions,
    /// Another way for work connections; `None` = that of the control connection.
    pub work_conns: Option<WorkConns>,
    /// How long connecting may take.
    pub dial_timeout: Duration,
    /// Idle time before TCP keepalive probes; `None` = no probes.
    pub dial_keepalive: Option<Duration>,
    /// Connect from this address (tcp and websocket).
    pub connect_local_ip: Option<IpAddr>,
    /// Reach the server through this proxy; may hold a password.
    pub proxy_url: Option<Secret>,
    /// Work connections kept ready.
    pub pool_count: u32,
    /// yamux; `None` = one connection per purpose. Must equal the server's.
    pub tcp_mux: Option<TcpMux>,
    /// Pings; `None` = none are sent.
    pub heartbeat: Option<Heartbeat>,
    /// QUIC.
    pub quic: QuicOptions,
    /// TLS.
    pub tls: ClientTls,
}

/// Pings to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// How often one is sent.
    pub interval: Duration,
    /// Silence after which the session is given up, never below `interval`; `None` = never.
    pub timeout: Option<Duration>,
}

/// `transport.tls` of frpc.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientTls {
    /// `None` = no TLS.
    pub enabled: Option<ClientTlsOn>,
}

/// TLS that is on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientTlsOn {
    /// Send the byte 0x17 before the handshake (`disableCustomTLSFirstByte = false`).
    pub custom_first_byte: bool,
    /// Our certificate, for servers that ask for one.
    pub identity: Option<IdentityFiles>,
    /// Verify the server against this authority; `None` = it is not verified.
    pub trusted_ca: Option<PathBuf>,
    /// The name to send and to verify; `None` = the server's address.
    pub server_name: Option<String>,
}
