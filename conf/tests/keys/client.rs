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
        "transport.wireProtocol = \"v1\"",
        "transport.wireProtocol = \"v2\"",
        &[(
            "transport.wireProtocol = \"v3\"",
            "invalid transport.wireProtocol, optional values are [v1 v2]",
        )],
    ),
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
