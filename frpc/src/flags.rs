//! The flags of the sub-commands that run one proxy or visitor (upstream: pkg/config/flags.go).

use culvert_program::{
    Flag,
    Takes::{Number, Secret, Switch, Text},
    log_flags, proxy_flags,
};

/// How the server is reached; keys of the file itself.
const COMMON: [Flag; 10] = [
    Flag::new(
        "server-addr",
        "serverAddr",
        Text("127.0.0.1"),
        "The name or address of the server",
    )
    .or('s'),
    Flag::new(
        "server-port",
        "serverPort",
        Number("7000"),
        "The port of the server",
    )
    .or('P'),
    Flag::new(
        "protocol",
        "transport.protocol",
        Text("tcp"),
        "How the server is reached: tcp, kcp, quic, websocket or wss",
    )
    .or('p'),
    Flag::new(
        "tls-enable",
        "transport.tls.enable",
        Switch(true),
        "Use TLS",
    ),
    Flag::new(
        "tls-server-name",
        "transport.tls.serverName",
        Text(""),
        "The name that is expected of the server's certificate",
    ),
    Flag::new(
        "dns-server",
        "dnsServer",
        Text(""),
        "The name server to ask instead of the system's",
    ),
    log_flags::FILE,
    log_flags::LEVEL,
    log_flags::MAX_DAYS,
    log_flags::NO_COLOR,
];

/// Keys of every proxy of a service of this network.
const LOCAL: [Flag; 6] = [
    Flag::new(
        "local-ip",
        "localIP",
        Text("127.0.0.1"),
        "The name or address of the service",
    )
    .or('i'),
    Flag::new(
        "local-port",
        "localPort",
        Number("0"),
        "The port of the service",
    )
    .or('l'),
    Flag::new(
        "ue",
        "transport.useEncryption",
        Switch(false),
        "Encrypt with the token",
    ),
    Flag::new("uc", "transport.useCompression", Switch(false), "Compress"),
    Flag::new(
        "bandwidth-limit",
        "transport.bandwidthLimit",
        Text(""),
        "The most bytes in a second, such as 100KB or 1MB",
    ),
    Flag::new(
        "bandwidth-limit-mode",
        "transport.bandwidthLimitMode",
        Text("client"),
        "Where that is limited: client or server",
    ),
];

/// Keys of every visitor.
pub(crate) const VISITOR: [Flag; 8] = [
    Flag::new("visitor-name", "name", Text(""), "The name of the visitor").or('n'),
    Flag::new(
        "ue",
        "transport.useEncryption",
        Switch(false),
        "Encrypt with the secret",
    ),
    Flag::new("uc", "transport.useCompression", Switch(false), "Compress"),
    Flag::new("sk", "secretKey", Secret(""), "The secret of the service"),
    Flag::new(
        "server-name",
        "serverName",
        Text(""),
        "The name of the proxy to visit",
    ),
    Flag::new(
        "server-user",
        "serverUser",
        Text(""),
        "The user of that proxy; default our own",
    ),
    Flag::new(
        "bind-addr",
        "bindAddr",
        Text(""),
        "The address to listen on",
    ),
    Flag::new(
        "bind-port",
        "bindPort",
        Number("0"),
        "The port to listen on; -1 = none, for other visitors that fall back to this one",
    ),
];

/// The types of proxies, which are the names of the sub-commands.
pub(crate) const KINDS: [&str; 8] = [
    "tcp", "udp", "http", "https", "tcpmux", "stcp", "sudp", "xtcp",
];

/// Whether services of a type have visitors.
pub(crate) fn is_visited(kind: &str) -> bool {
    matches!(kind, "stcp" | "sudp" | "xtcp")
}

/// The flags of every proxy and visitor: how the server is reached, and who we are.
pub(crate) fn common() -> Vec<Flag> {
    COMMON.iter().chain(&proxy_flags::CLIENT).copied().collect()
}

/// The flags of a proxy of type `kind`.
pub(crate) fn of_proxy(kind: &str) -> Vec<Flag> {
    let own = proxy_flags::of_kind(kind).unwrap_or_default();
    let all = proxy_flags::PROXY.iter().chain(&LOCAL);
    all.chain(own.iter().copied().flatten()).copied().collect()
}
