//! The file of frps (upstream: pkg/config/v1/server.go).

use crate::decode::section;
use crate::extend::FreeTable;
use crate::raw::common::{RawLog, RawQuic, RawValueSource, RawWebServer};
use crate::types::Secret;

section! {
    /// The whole file.
    struct RawServer {
        /// Free text; not used.
        "version" => _version: String,
        /// How clients prove who they are.
        "auth" => auth: RawServerAuth,
        /// Where clients connect to; default 0.0.0.0.
        "bindAddr" => bind_addr: String,
        /// The TCP port for clients; default 7000.
        "bindPort" => bind_port: i64,
        /// The UDP port for KCP clients; 0 = off.
        "kcpBindPort" => kcp_bind_port: i64,
        /// The UDP port for QUIC clients; 0 = off.
        "quicBindPort" => quic_bind_port: i64,
        /// Where published ports are opened; default bindAddr.
        "proxyBindAddr" => proxy_bind_addr: String,
        /// The shared port of http proxies; 0 = off.
        "vhostHTTPPort" => vhost_http_port: i64,
        /// Seconds that a backend may take to its response header; default 60.
        "vhostHTTPTimeout" => vhost_http_timeout: i64,
        /// Which statuses tell of a backend that fails, compatible or precise; not upstream's.
        "vhostHTTPErrorMode" => vhost_http_error_mode: String,
        /// The shared port of https proxies; 0 = off.
        "vhostHTTPSPort" => vhost_https_port: i64,
        /// The HTTP CONNECT port of tcpmux proxies; 0 = off.
        "tcpmuxHTTPConnectPort" => tcpmux_http_connect_port: i64,
        /// Hand the CONNECT request on to the backend.
        "tcpmuxPassthrough" => tcpmux_passthrough: bool,
        /// The domain under which proxies may ask for a sub domain.
        "subDomainHost" => sub_domain_host: String,
        /// A page in place of the built-in 404.
        "custom404Page" => custom_404_page: String,
        /// A port for SSH clients, which publish without frpc.
        "sshTunnelGateway" => ssh_tunnel_gateway: RawSshTunnelGateway,
        /// The web server of the dashboard, its API and metrics.
        "webServer" => web_server: RawWebServer,
        /// Serve /metrics on the web server.
        "enablePrometheus" => enable_prometheus: bool,
        /// What is logged and where.
        "log" => log: RawLog,
        /// How clients get here.
        "transport" => transport: RawServerTransport,
        /// Tell clients the reason of a refusal; default true.
        "detailedErrorsToClient" => detailed_errors_to_client: Option<bool>,
        /// Ports that one client may hold; 0 = no limit.
        "maxPortsPerClient" => max_ports_per_client: i64,
        /// Seconds that a user waits for a work connection; default 10.
        "userConnTimeout" => user_conn_timeout: i64,
        /// The largest UDP payload in bytes; default 1500, must equal the client's.
        "udpPacketSize" => udp_packet_size: i64,
        /// Hours for which hole punching results are remembered; default 168.
        "natholeAnalysisDataReserveHours" => nat_hole_reserve_hours: i64,
        /// The ports that clients may ask for; default all.
        "allowPorts" => allow_ports: Vec<RawPortRange>,
        /// Programs that are asked before operations.
        "httpPlugins" => http_plugins: Vec<RawHttpPlugin>,
        /// Reload this file when it changes; default false. Ours, not upstream's.
        "watchConfig" => watch_config: bool,
        /// Further places where clients connect to.
        "listeners" => listeners: Vec<RawListener>,
    }
}

section! {
    /// `auth` of frps.
    struct RawServerAuth {
        /// token (default) or oidc.
        "method" => method: String,
        /// HeartBeats, NewWorkConns.
        "additionalScopes" => additional_scopes: Vec<String>,
        /// The shared token; excludes tokenSource.
        "token" => token: Secret,
        /// Where the token is read from.
        "tokenSource" => token_source: Option<RawValueSource>,
        /// For the method oidc.
        "oidc" => oidc: RawServerOidc,
    }
}

section! {
    /// `auth.oidc` of frps.
    struct RawServerOidc {
        /// The issuer's URL.
        "issuer" => issuer: String,
        /// The audience that a token must have; "" = not checked.
        "audience" => audience: String,
        /// Accept expired tokens.
        "skipExpiryCheck" => skip_expiry_check: bool,
        /// Accept any issuer.
        "skipIssuerCheck" => skip_issuer_check: bool,
    }
}

section! {
    /// `transport` of frps.
    struct RawServerTransport {
        /// yamux; default true, must equal the client's.
        "tcpMux" => tcp_mux: Option<bool>,
        /// Seconds between yamux probes; default 30.
        "tcpMuxKeepaliveInterval" => tcp_mux_keepalive_interval: i64,
        /// Idle seconds before TCP keepalive; default 7200, negative = off.
        "tcpKeepalive" => tcp_keepalive: i64,
        /// The most pooled connections per client; default 5.
        "maxPoolCount" => max_pool_count: i64,
        /// Seconds of silence that end a session; default off with tcpMux, else 90.
        "heartbeatTimeout" => heartbeat_timeout: i64,
        /// For clients on the QUIC port.
        "quic" => quic: RawQuic,
        /// TLS with clients.
        "tls" => tls: RawServerTls,
    }
}

section! {
    /// `transport.tls` of frps.
    struct RawServerTls {
        /// Refuse clients without TLS.
        "force" => force: bool,
        /// Our certificate; a generated one if empty.
        "certFile" => cert_file: String,
        /// Its private key.
        "keyFile" => key_file: String,
        /// The authority that clients must be signed by; forces TLS.
        "trustedCaFile" => trusted_ca_file: String,
        /// Accepted and not used.
        "serverName" => _server_name: String,
    }
}

section! {
    /// `sshTunnelGateway`.
    struct RawSshTunnelGateway {
        /// The TCP port; 0 = off.
        "bindPort" => bind_port: i64,
        /// The host key.
        "privateKeyFile" => private_key_file: String,
        /// Where a generated host key is kept; default ./.autogen_ssh_key.
        "autoGenPrivateKeyPath" => auto_gen_private_key_path: String,
        /// The keys that may log in; "" = anybody.
        "authorizedKeysFile" => authorized_keys_file: String,
    }
}

section! {
    /// One entry of `allowPorts`: `single`, or `start` to `end`.
    struct RawPortRange {
        /// The first port.
        "start" => start: i64,
        /// The last port.
        "end" => end: i64,
        /// One port; wins over the other two.
        "single" => single: i64,
    }
}

section! {
    /// One entry of `httpPlugins`.
    struct RawHttpPlugin {
        /// Its name, for log lines.
        "name" => name: String,
        /// host:port, or an http(s) URL.
        "addr" => addr: String,
        /// The path of requests.
        "path" => path: String,
        /// Login, NewProxy, CloseProxy, Ping, NewWorkConn, NewUserConn.
        "ops" => ops: Vec<String>,
        /// Verify its certificate.
        "tlsVerify" => tls_verify: bool,
    }
}

section! {
    /// One entry of `listeners`, which upstream does not have.
    struct RawListener {
        /// The transport's name, or exec: and the path of a program.
        "transport" => transport: String,
        /// An IP address and a port.
        "bind" => bind: String,
        /// The transport's own options; default those of `[transport.<name>]`.
        "options" => options: Option<FreeTable>,
    }
}
