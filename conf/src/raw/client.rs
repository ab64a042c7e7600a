//! The file of frpc (upstream: pkg/config/v1/client.go, store.go).

use std::collections::BTreeMap;

use crate::decode::section;
use crate::raw::auto::RawAuto;
use crate::raw::common::{RawLog, RawQuic, RawValueSource, RawWebServer};
use crate::raw::proxy::RawProxy;
use crate::raw::servers::RawServerEntry;
use crate::raw::sessions::RawSessions;
use crate::raw::visitor::RawVisitor;
use crate::types::Secret;

section! {
    /// The whole file.
    struct RawClient {
        /// Free text; not used.
        "version" => _version: String,
        /// How we prove who we are.
        "auth" => auth: RawClientAuth,
        /// Put before proxy names on the wire.
        "user" => user: String,
        /// The identity shown by the dashboard.
        "clientID" => client_id: String,
        /// The server's name or address; default 0.0.0.0.
        "serverAddr" => server_addr: String,
        /// The server's port; default 7000.
        "serverPort" => server_port: i64,
        /// Several servers in place of serverAddr and serverPort, in the order of preference; 16 at
        /// most. Ours, not upstream's.
        "servers" => servers: Vec<RawServerEntry>,
        /// Which of them publish the proxies: failover (default), active-active, latency.
        "serverPolicy" => server_policy: String,
        /// The STUN server for xtcp.
        "natHoleStunServer" => nat_hole_stun_server: String,
        /// The name server; default the system's.
        "dnsServer" => dns_server: String,
        /// End when the first login fails; default true.
        "loginFailExit" => login_fail_exit: Option<bool>,
        /// The proxies and visitors to run; empty = all.
        "start" => start: Vec<String>,
        /// What is logged and where.
        "log" => log: RawLog,
        /// The web server of the admin page and its API.
        "webServer" => web_server: RawWebServer,
        /// How we get to the server.
        "transport" => transport: RawClientTransport,
        /// Our place in the virtual network.
        "virtualNet" => virtual_net: RawVirtualNet,
        /// Experimental features; only VirtualNet exists.
        "featureGates" => feature_gates: BTreeMap<String, bool>,
        /// The largest UDP payload in bytes; default 1500, must equal the server's.
        "udpPacketSize" => udp_packet_size: i64,
        /// Free pairs sent at login.
        "metadatas" => metadatas: BTreeMap<String, String>,
        /// Further files of proxies and visitors.
        "includes" => includes: Vec<String>,
        /// Reload this file when it changes; default false. Ours, not upstream's.
        "watchConfig" => watch_config: bool,
        /// Proxies and visitors that are changed at run time.
        "store" => store: RawStore,
        /// What is published.
        "proxies" => proxies: Vec<RawProxy>,
        /// What is reached.
        "visitors" => visitors: Vec<RawVisitor>,
    }
}

section! {
    /// `auth` of frpc.
    struct RawClientAuth {
        /// token (default) or oidc.
        "method" => method: String,
        /// HeartBeats, NewWorkConns.
        "additionalScopes" => additional_scopes: Vec<String>,
        /// The shared token; excludes tokenSource.
        "token" => token: Secret,
        /// Where the token is read from.
        "tokenSource" => token_source: Option<RawValueSource>,
        /// For the method oidc.
        "oidc" => oidc: RawClientOidc,
    }
}

section! {
    /// `auth.oidc` of frpc.
    struct RawClientOidc {
        /// Our id at the provider.
        "clientID" => client_id: String,
        /// Our secret at the provider.
        "clientSecret" => client_secret: Secret,
        /// The audience to ask for.
        "audience" => audience: String,
        /// The scope to ask for.
        "scope" => scope: String,
        /// The provider's token endpoint.
        "tokenEndpointURL" => token_endpoint_url: String,
        /// Further form fields of the request.
        "additionalEndpointParams" => additional_endpoint_params: BTreeMap<String, String>,
        /// Trust this authority for the endpoint.
        "trustedCaFile" => trusted_ca_file: String,
        /// Do not verify the endpoint.
        "insecureSkipVerify" => insecure_skip_verify: bool,
        /// Reach the endpoint through this proxy.
        "proxyURL" => proxy_url: Secret,
        /// Where tokens are read from; excludes all other keys here.
        "tokenSource" => token_source: Option<RawValueSource>,
    }
}

section! {
    /// `transport` of frpc.
    struct RawClientTransport {
        /// tcp (default), kcp, quic, websocket, wss; or auto: the best that works here. auto is
        /// ours, not upstream's.
        "protocol" => protocol: String,
        /// What the protocol auto chooses from. Ours, not upstream's.
        "auto" => auto: RawAuto,
        /// v1 (default) or v2.
        "wireProtocol" => wire_protocol: String,
        /// Links to the server that carry the streams of one login: 1 (default) to 8, or auto: as
        /// many as traffic and the network ask for. Ours, not upstream's, as are the next two.
        "sessions" => sessions: RawSessions,
        /// Carry work connections over this transport, the control connection over `protocol`; each
        /// falls back alone. Default: both together.
        "workConnProtocol" => work_conn_protocol: String,
        /// The server's port for it; default serverPort.
        "workConnPort" => work_conn_port: i64,
        /// Seconds that connecting may take; default 10.
        "dialServerTimeout" => dial_server_timeout: i64,
        /// Idle seconds before TCP keepalive; default 7200, negative = off.
        "dialServerKeepalive" => dial_server_keepalive: i64,
        /// Connect from this address.
        "connectServerLocalIP" => connect_server_local_ip: String,
        /// Reach the server through this proxy; default the environment's http_proxy.
        "proxyURL" => proxy_url: Secret,
        /// Work connections kept ready; default 1.
        "poolCount" => pool_count: i64,
        /// yamux; default true, must equal the server's.
        "tcpMux" => tcp_mux: Option<bool>,
        /// Seconds between yamux probes; default 30.
        "tcpMuxKeepaliveInterval" => tcp_mux_keepalive_interval: i64,
        /// For the protocol quic.
        "quic" => quic: RawQuic,
        /// Seconds between pings; default off with tcpMux, else 30.
        "heartbeatInterval" => heartbeat_interval: i64,
        /// Seconds of silence that end the session; default off with tcpMux, else 90.
        "heartbeatTimeout" => heartbeat_timeout: i64,
        /// TLS with the server.
        "tls" => tls: RawClientTls,
    }
}

section! {
    /// `transport.tls` of frpc.
    struct RawClientTls {
        /// TLS; default true.
        "enable" => enable: Option<bool>,
        /// Do not send the byte 0x17 first; default true.
        "disableCustomTLSFirstByte" => disable_custom_tls_first_byte: Option<bool>,
        /// Our certificate.
        "certFile" => cert_file: String,
        /// Its private key.
        "keyFile" => key_file: String,
        /// Verify the server against this authority; "" = not verified.
        "trustedCaFile" => trusted_ca_file: String,
        /// The name to send and verify; default the server's address.
        "serverName" => server_name: String,
    }
}

section! {
    /// `virtualNet`.
    struct RawVirtualNet {
        /// Our address in CIDR form; needs the feature gate VirtualNet.
        "address" => address: String,
    }
}

section! {
    /// `store`.
    struct RawStore {
        /// The file, relative to this file's folder; "" = off.
        "path" => path: String,
    }
}
