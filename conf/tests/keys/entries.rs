//! The keys of proxies and visitors.

use crate::{Row, after};

/// The head of a proxy of a type.
macro_rules! proxy {
    ($kind:literal $(, $more:literal)?) => {
        concat!("[[proxies]]\nname = \"p\"\ntype = \"", $kind, "\"\n" $(, $more)?)
    };
}

pub(crate) const PROXIES: &[Row] = &[
    Row {
        before: proxy!("tcp"),
        default: "enabled = true",
        other: "enabled = false",
        bad: &[
            ("[[proxies]]\ntype = \"tcp\"", "name should not be empty"),
            (
                "[[proxies]]\nname = \"p\"\ntype = \"udp\"",
                "proxy name [p] is duplicated",
            ),
            (
                "[[proxies]]\nname = \"q\"\ntype = \"TCP\"",
                "unknown proxy type: TCP",
            ),
        ],
    },
    Row {
        before: proxy!("tcp"),
        default: "annotations = {}",
        other: "annotations.\"a/b\" = \"c\"",
        bad: &[(
            "annotations.\"a b\" = \"c\"",
            "annotation key a b is invalid",
        )],
    },
    after(proxy!("tcp"), "metadatas = {}", "metadatas.a = \"b\""),
    after(
        proxy!("tcp"),
        "transport.useEncryption = false",
        "transport.useEncryption = true",
    ),
    after(
        proxy!("tcp"),
        "transport.useCompression = false",
        "transport.useCompression = true",
    ),
    Row {
        before: proxy!("tcp"),
        default: "transport.bandwidthLimit = \"\"",
        other: "transport.bandwidthLimit = \"1.5MB\"",
        bad: &[("transport.bandwidthLimit = \"1mb\"", "unit not support")],
    },
    Row {
        before: proxy!("tcp"),
        default: "transport.bandwidthLimitMode = \"client\"",
        other: "transport.bandwidthLimitMode = \"server\"",
        bad: &[(
            "transport.bandwidthLimitMode = \"both\"",
            "bandwidth limit mode should be client or server",
        )],
    },
    Row {
        before: proxy!("tcp"),
        default: "transport.proxyProtocolVersion = \"\"",
        other: "transport.proxyProtocolVersion = \"v2\"",
        bad: &[(
            "transport.proxyProtocolVersion = \"v3\"",
            "not support proxy protocol version: v3",
        )],
    },
    after(
        proxy!("tcp"),
        "loadBalancer.group = \"\"",
        "loadBalancer.group = \"g\"",
    ),
    after(
        proxy!("tcp", "loadBalancer.group = \"g\"\n"),
        "loadBalancer.groupKey = \"\"",
        "loadBalancer.groupKey = \"k\"",
    ),
    Row {
        before: proxy!("tcp", "localPort = 1\n"),
        default: "healthCheck.type = \"\"",
        other: "healthCheck.type = \"tcp\"",
        bad: &[
            (
                "healthCheck.type = \"icmp\"",
                "not support health check type: icmp",
            ),
            (
                "healthCheck.type = \"http\"",
                "health check path should not be empty",
            ),
        ],
    },
    after(
        proxy!("tcp", "localPort = 1\nhealthCheck.type = \"tcp\"\n"),
        "healthCheck.timeoutSeconds = 3\nhealthCheck.maxFailed = 1\nhealthCheck.intervalSeconds = 10",
        "healthCheck.timeoutSeconds = 4",
    ),
    Row {
        before: proxy!("tcp"),
        default: "localIP = \"127.0.0.1\"",
        other: "localIP = \"::1\"",
        bad: &[(
            "localPort = 65536",
            "localPort: port number 65536 must be in the range 0..65535",
        )],
    },
    after(proxy!("tcp"), "localPort = 0", "localPort = 22"),
    after(proxy!("udp"), "remotePort = 0", "remotePort = 1"),
    Row {
        before: proxy!("http", "customDomains = [\"d\"]\n"),
        default: "subdomain = \"\"",
        other: "subdomain = \"s\"",
        bad: &[(
            "[[proxies]]\nname = \"q\"\ntype = \"http\"",
            "subdomain and custom domains should not be both empty",
        )],
    },
    after(
        proxy!("http", "subdomain = \"s\"\n"),
        "locations = []",
        "locations = [\"/a\"]",
    ),
    after(
        proxy!("http", "subdomain = \"s\"\n"),
        "httpUser = \"\"",
        "httpUser = \"u\"",
    ),
    after(
        proxy!("http", "subdomain = \"s\"\n"),
        "httpPassword = \"\"",
        "httpPassword = \"p\"",
    ),
    after(
        proxy!("http", "subdomain = \"s\"\n"),
        "hostHeaderRewrite = \"\"",
        "hostHeaderRewrite = \"h\"",
    ),
    after(
        proxy!("http", "subdomain = \"s\"\n"),
        "requestHeaders.set = {}",
        "requestHeaders.set.x = \"y\"",
    ),
    after(
        proxy!("http", "subdomain = \"s\"\n"),
        "responseHeaders.set = {}",
        "responseHeaders.set.x = \"y\"",
    ),
    after(
        proxy!("http", "subdomain = \"s\"\n"),
        "routeByHTTPUser = \"\"",
        "routeByHTTPUser = \"u\"",
    ),
    Row {
        before: proxy!(
            "tcpmux",
            "multiplexer = \"httpconnect\"\nsubdomain = \"s\"\n"
        ),
        default: "httpUser = \"\"",
        other: "httpUser = \"u\"",
        bad: &[(
            "[[proxies]]\nname = \"q\"\ntype = \"tcpmux\"\nsubdomain = \"s\"\nmultiplexer = \"sni\"",
            "not support multiplexer: sni",
        )],
    },
    after(proxy!("stcp"), "secretKey = \"\"", "secretKey = \"k\""),
    after(proxy!("sudp"), "allowUsers = []", "allowUsers = [\"*\"]"),
    after(
        proxy!("xtcp"),
        "natTraversal.disableAssistedAddrs = false",
        "natTraversal.disableAssistedAddrs = true",
    ),
    Row {
        before: proxy!("tcp"),
        default: "",
        other: "plugin = {type = \"socks5\", username = \"u\", password = \"p\"}",
        bad: &[
            ("plugin = {type = \"ftp\"}", "unknown plugin type: ftp"),
            ("plugin = {}", "plugin type is empty"),
            ("plugin = {type = \"static_file\"}", "localPath is required"),
            (
                "plugin = {type = \"unix_domain_socket\"}",
                "unixPath is required",
            ),
            ("plugin = {type = \"http2https\"}", "localAddr is required"),
            ("plugin = {type = \"https2http\"}", "localAddr is required"),
            ("plugin = {type = \"https2https\"}", "localAddr is required"),
            ("plugin = {type = \"tls2raw\"}", "localAddr is required"),
        ],
    },
    after(
        proxy!(
            "tcp",
            "plugin.type = \"https2http\"\nplugin.localAddr = \"a:1\"\n"
        ),
        "plugin.enableHTTP2 = true",
        "plugin.enableHTTP2 = false",
    ),
];

/// The head of a visitor of a type.
macro_rules! visitor {
    ($kind:literal) => {
        concat!(
            "[[visitors]]\nname = \"v\"\nserverName = \"p\"\nbindPort = 1\ntype = \"",
            $kind,
            "\"\n"
        )
    };
}

pub(crate) const VISITORS: &[Row] = &[
    Row {
        before: visitor!("stcp"),
        default: "enabled = true",
        other: "enabled = false",
        bad: &[
            ("[[visitors]]\ntype = \"stcp\"", "name is required"),
            (
                "[[visitors]]\nname = \"w\"\ntype = \"stcp\"",
                "server name is required",
            ),
            (
                "[[visitors]]\nname = \"w\"\ntype = \"stcp\"\nserverName = \"p\"",
                "bind port is required",
            ),
            (
                "[[visitors]]\nname = \"v\"\ntype = \"sudp\"",
                "visitor name [v] is duplicated",
            ),
            (
                "[[visitors]]\nname = \"w\"\ntype = \"tcp\"",
                "unknown visitor type: tcp",
            ),
        ],
    },
    after(
        visitor!("sudp"),
        "transport.useEncryption = false",
        "transport.useEncryption = true",
    ),
    after(
        visitor!("sudp"),
        "transport.useCompression = false",
        "transport.useCompression = true",
    ),
    after(visitor!("stcp"), "secretKey = \"\"", "secretKey = \"k\""),
    after(visitor!("stcp"), "serverUser = \"\"", "serverUser = \"u\""),
    after(
        visitor!("stcp"),
        "bindAddr = \"127.0.0.1\"",
        "bindAddr = \"::1\"",
    ),
    Row {
        before: visitor!("xtcp"),
        default: "protocol = \"quic\"",
        other: "protocol = \"kcp\"",
        bad: &[
            ("protocol = \"tcp\"", "protocol should be kcp or quic"),
            ("plugin = {type = \"x\"}", "unknown visitor plugin type: x"),
            ("plugin = {}", "visitor plugin type is empty"),
        ],
    },
    after(
        visitor!("xtcp"),
        "keepTunnelOpen = false",
        "keepTunnelOpen = true",
    ),
    after(
        visitor!("xtcp"),
        "maxRetriesAnHour = 8",
        "maxRetriesAnHour = 9",
    ),
    after(
        visitor!("xtcp"),
        "minRetryInterval = 90",
        "minRetryInterval = 91",
    ),
    after(visitor!("xtcp"), "", "fallbackTo = \"f\""),
    after(
        concat!(visitor!("xtcp"), "fallbackTo = \"f\"\n"),
        "fallbackTimeoutMs = 1000",
        "fallbackTimeoutMs = 200",
    ),
    after(
        visitor!("xtcp"),
        "natTraversal.disableAssistedAddrs = false",
        "natTraversal.disableAssistedAddrs = true",
    ),
];
