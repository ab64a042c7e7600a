//! The keys of frpc alone, without its proxies and visitors.

use crate::{Row, after, checked, row};

/// What OIDC needs, without the closing brace.
const OIDC: &str =
    "[auth]\nmethod = \"oidc\"\noidc.clientID = \"c\"\noidc.tokenEndpointURL = \"https://i/t\"";

pub(crate) const CLIENT: &[Row] = &[
    row("user = \"\"", "user = \"u\""),
    row("clientID = \"\"", "clientID = \"c\""),
    row("serverAddr = \"0.0.0.0\"", "serverAddr = \"frp.test\""),
    row("serverPort = 7000", "serverPort = 7001"),
    checked(
        "servers = []",
        "[[servers]]\naddr = \"a\"",
        &[
            ("[[servers]]\nport = 7001", "a server needs an addr, or srv"),
            (
                "serverAddr = \"a\"\n[[servers]]\naddr = \"b\"",
                "cannot specify both serverAddr and servers",
            ),
            (
                "serverPort = 1\n[[servers]]\naddr = \"b\"",
                "cannot specify both serverPort and servers",
            ),
            (
                "[[servers]]\naddr = \"b\"\nsrv = \"c\"",
                "cannot specify both servers[0].addr and servers[0].srv",
            ),
            (
                "[[servers]]\nport = 1\nsrv = \"c\"",
                "cannot specify both servers[0].port and servers[0].srv",
            ),
            (
                "[[servers]]\naddr = \"b\"\n[[servers]]\naddr = \"b\"",
                "server name [b:7000] is duplicated",
            ),
            (
                "[[servers]]\naddr = \"b\"\nprotocol = \"x\"",
                "invalid servers[0].protocol, optional values are",
            ),
            (
                "[[servers]]\naddr = \"b\"\nport = 70000",
                "port number 70000 must be in the range 0..65535",
            ),
        ],
    ),
    Row {
        before: "servers = [{addr = \"a\"}, {addr = \"b\"}]",
        default: "serverPolicy = \"failover\"",
        other: "serverPolicy = \"latency\"",
        bad: &[(
            "serverPolicy = \"fastest\"",
            "invalid serverPolicy, optional values are [failover active-active latency]",
        )],
    },
    row(
        "natHoleStunServer = \"stun.easyvoip.com:3478\"",
        "natHoleStunServer = \"stun.test:1\"",
    ),
    row("dnsServer = \"\"", "dnsServer = \"9.9.9.9\""),
    row("loginFailExit = true", "loginFailExit = false"),
    row("start = []", "start = [\"a\"]"),
    row("udpPacketSize = 1500", "udpPacketSize = 1400"),
    row("metadatas = {}", "metadatas.a = \"b\""),
    row("featureGates = {}", "featureGates.VirtualNet = true"),
    checked(
        "virtualNet.address = \"\"",
        "featureGates.VirtualNet = true\nvirtualNet.address = \"100.86.0.1/24\"",
        &[(
            "virtualNet.address = \"100.86.0.1/24\"",
            "VirtualNet feature is not enabled; enable it by setting the appropriate feature gate flag",
        )],
    ),
    row("store.path = \"\"", "store.path = \"s.json\""),
    checked(
        "auth.oidc.clientID = \"\"",
        "auth = {method = \"oidc\", oidc.clientID = \"c\", oidc.tokenEndpointURL = \"http://i/t\"}",
        &[
            ("auth.method = \"oidc\"", "auth.oidc.clientID is required"),
            (
                "auth.method = \"oidc\"",
                "auth.oidc.tokenEndpointURL is required",
            ),
            (
                "auth = {method = \"oidc\", oidc.clientID = \"c\", oidc.tokenEndpointURL = \"/t\"}",
                "auth.oidc.tokenEndpointURL must be an absolute http or https URL",
            ),
            (
                "auth = {method = \"oidc\", oidc.clientID = \"c\", oidc.tokenEndpointURL = \"ftp://i/t\"}",
                "auth.oidc.tokenEndpointURL must use http or https",
            ),
            (
                "auth.oidc.clientID = \"c\"\nauth.oidc.tokenSource = {type = \"file\", file.path = \"/t\"}",
                "cannot specify both auth.oidc.tokenSource and any other field of auth.oidc",
            ),
            (
                "auth.oidc.tokenSource.type = \"x\"",
                "invalid auth.oidc.tokenSource: unsupported value source type: x",
            ),
        ],
    ),
    after(
        OIDC,
        "oidc.clientSecret = \"\"",
        "oidc.clientSecret = \"s\"",
    ),
    after(OIDC, "oidc.audience = \"\"", "oidc.audience = \"a\""),
    after(OIDC, "oidc.scope = \"\"", "oidc.scope = \"s\""),
    Row {
        before: OIDC,
        default: "oidc.additionalEndpointParams = {}",
        other: "oidc.additionalEndpointParams.a = \"b\"",
        bad: &[
            (
                "oidc.additionalEndpointParams.scope = \"b\"",
                "auth.oidc.additionalEndpointParams.scope is not allowed",
            ),
            (
                "oidc.audience = \"a\"\noidc.additionalEndpointParams.audience = \"b\"",
                "auth.oidc.additionalEndpointParams.audience is not allowed",
            ),
        ],
    },
    after(
        OIDC,
        "oidc.trustedCaFile = \"\"",
        "oidc.trustedCaFile = \"/ca\"",
    ),
    after(
        OIDC,
        "oidc.insecureSkipVerify = false",
        "oidc.insecureSkipVerify = true",
    ),
    after(
        OIDC,
        "oidc.proxyURL = \"\"",
        "oidc.proxyURL = \"socks5h://p\"",
    ),
    row(
        "auth.additionalScopes = []",
        "auth = {method = \"oidc\", oidc.tokenSource = {type = \"file\", file.path = \"/t\"}}",
    ),
    checked(
        "transport.protocol = \"tcp\"",
        "transport.protocol = \"kcp\"",
        &[(
            "transport.protocol = \"TCP\"",
            "invalid transport.protocol, optional values are [tcp kcp quic websocket wss]",
        )],
    ),
    checked(
        "transport.auto.candidates = [\"quic\", \"tcp\", \"wss\", \"websocket\"]",
        "transport.auto.candidates = [\"kcp\", \"tcp\"]",
        &[
            (
                "transport.auto.candidates = [\"udp\"]",
                "invalid transport.auto.candidates[0], optional values are [tcp kcp quic",
            ),
            (
                "transport.auto.candidates = [\"tcp\", \"tcp\"]",
                "invalid transport.auto.candidates[1], every transport is tried once",
            ),
        ],
    ),
    row(
        "transport.auto.ports.quic = 0",
        "transport.auto.ports.quic = 7001",
    ),
    row(
        "transport.auto.ports.tcp = 0",
        "transport.auto.ports.tcp = 7001",
    ),
    row(
        "transport.auto.ports.wss = 0",
        "transport.auto.ports.wss = 443",
    ),
    row(
        "transport.auto.ports.websocket = 0",
        "transport.auto.ports.websocket = 80",
    ),
    Row {
        before: "transport.auto.candidates = [\"kcp\"]",
        default: "transport.auto.ports.kcp = 0",
        other: "transport.auto.ports.kcp = 7001",
        bad: &[(
            "transport.auto.ports.kcp = 70000",
            "port number 70000 must be in the range 0..65535",
        )],
    },
    checked(
        "transport.auto.headStartMs = 250",
        "transport.auto.headStartMs = 100",
        &[(
            "transport.auto.headStartMs = 5",
            "invalid transport.auto.headStartMs, it must be from 10 to 2000",
        )],
    ),
    row(
        "transport.auto.probeInterval = 15",
        "transport.auto.probeInterval = 5",
    ),
    row(
        "transport.auto.stateFile = \"\"",
        "transport.auto.stateFile = \"paths.json\"",
    ),
    checked(
        "transport.wireProtocol = \"v1\"",
        "transport.wireProtocol = \"v2\"",
        &[(
            "transport.wireProtocol = \"v3\"",
            "invalid transport.wireProtocol, optional values are [v1 v2]",
        )],
    ),
    checked(
        "transport.sessions = 1",
        "transport.sessions = \"auto\"",
        &[
            ("transport.sessions = 9", "invalid transport.sessions"),
            ("transport.sessions = -1", "invalid transport.sessions"),
            ("transport.sessions = \"all\"", "invalid transport.sessions"),
        ],
    ),
    checked(
        "transport.workConnProtocol = \"\"",
        "transport.workConnProtocol = \"quic\"",
        &[(
            "transport.workConnProtocol = \"x\"",
            "invalid transport.workConnProtocol, optional values are [",
        )],
    ),
    Row {
        before: "transport.workConnProtocol = \"quic\"",
        default: "transport.workConnPort = 0",
        other: "transport.workConnPort = 7001",
        bad: &[(
            "transport.workConnPort = 70000",
            "port number 70000 must be in the range 0..65535",
        )],
    },
    row(
        "transport.dialServerTimeout = 10",
        "transport.dialServerTimeout = 11",
    ),
    row(
        "transport.dialServerKeepalive = 7200",
        "transport.dialServerKeepalive = -1",
    ),
    row(
        "transport.connectServerLocalIP = \"\"",
        "transport.connectServerLocalIP = \"127.0.0.1\"",
    ),
    row(
        "transport.proxyURL = \"\"",
        "transport.proxyURL = \"http://p\"",
    ),
    row("transport.poolCount = 1", "transport.poolCount = 2"),
    row(
        "transport.heartbeatInterval = -1",
        "transport.heartbeatInterval = 5",
    ),
    Row {
        before: "transport.tcpMux = false",
        default: "transport.heartbeatInterval = 30\ntransport.heartbeatTimeout = 90",
        other: "transport.heartbeatTimeout = 91",
        bad: &[(
            "transport.heartbeatInterval = 30\ntransport.heartbeatTimeout = 29",
            "invalid transport.heartbeatTimeout, heartbeat timeout should not less than heartbeat interval",
        )],
    },
    row(
        "transport.tls.enable = true",
        "transport.tls.enable = false",
    ),
    row(
        "transport.tls.disableCustomTLSFirstByte = true",
        "transport.tls.disableCustomTLSFirstByte = false",
    ),
    row(
        "transport.tls.trustedCaFile = \"\"",
        "transport.tls.trustedCaFile = \"/ca\"",
    ),
    row(
        "transport.tls.serverName = \"\"",
        "transport.tls.serverName = \"n\"",
    ),
];
