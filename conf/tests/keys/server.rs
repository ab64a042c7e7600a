//! The keys of frps alone.

use crate::{Row, after, checked, row};

pub(crate) const SERVER: &[Row] = &[
    row("bindAddr = \"0.0.0.0\"", "bindAddr = \"::\""),
    checked(
        "bindPort = 7000",
        "bindPort = 1",
        &[(
            "bindPort = 65536",
            "bindPort: port number 65536 must be in the range 0..65535",
        )],
    ),
    checked(
        "kcpBindPort = 0",
        "kcpBindPort = 1",
        &[(
            "kcpBindPort = -1",
            "kcpBindPort: port number -1 must be in the range 0..65535",
        )],
    ),
    checked(
        "quicBindPort = 0",
        "quicBindPort = 1",
        &[(
            "quicBindPort = 70000",
            "quicBindPort: port number 70000 must be",
        )],
    ),
    after(
        "bindAddr = \"::1\"",
        "proxyBindAddr = \"::1\"",
        "proxyBindAddr = \"::\"",
    ),
    checked(
        "vhostHTTPPort = 0",
        "vhostHTTPPort = 80",
        &[(
            "vhostHTTPPort = -2",
            "vhostHTTPPort: port number -2 must be",
        )],
    ),
    row("vhostHTTPTimeout = 60", "vhostHTTPTimeout = 61"),
    checked(
        "vhostHTTPSPort = 0",
        "vhostHTTPSPort = 443",
        &[(
            "vhostHTTPSPort = 99999",
            "vhostHTTPSPort: port number 99999 must be",
        )],
    ),
    checked(
        "tcpmuxHTTPConnectPort = 0",
        "tcpmuxHTTPConnectPort = 5",
        &[(
            "tcpmuxHTTPConnectPort = -1",
            "tcpMuxHTTPConnectPort: port number -1 must be",
        )],
    ),
    after(
        "tcpmuxHTTPConnectPort = 5",
        "tcpmuxPassthrough = false",
        "tcpmuxPassthrough = true",
    ),
    row("subDomainHost = \"\"", "subdomainhost = \"a.b\""),
    row("custom404Page = \"\"", "custom404Page = \"/x\""),
    after(
        "webServer.port = 1",
        "enablePrometheus = false",
        "enablePrometheus = true",
    ),
    row(
        "detailedErrorsToClient = true",
        "detailedErrorsToClient = false",
    ),
    row("maxPortsPerClient = 0", "maxPortsPerClient = 4"),
    row("userConnTimeout = 10", "userConnTimeout = 11"),
    row("udpPacketSize = 1500", "udpPacketSize = 1400"),
    row(
        "natholeAnalysisDataReserveHours = 168",
        "natholeAnalysisDataReserveHours = 1",
    ),
    row(
        "allowPorts = []",
        "allowPorts = [{start = 1, end = 5}, {single = 9}]",
    ),
    checked(
        "httpPlugins = []",
        "[[httpPlugins]]\nname = \"a\"\naddr = \"127.0.0.1:1\"\npath = \"/h\"\nops = [\"Login\"]",
        &[(
            "[[httpPlugins]]\nops = [\"Logout\"]",
            "invalid http plugin ops, optional values are [Login NewProxy CloseProxy Ping NewWorkConn NewUserConn]",
        )],
    ),
    row(
        "auth.oidc.issuer = \"\"",
        "auth = {method = \"oidc\", oidc.issuer = \"https://i\"}",
    ),
    after(
        "auth.method = \"oidc\"",
        "auth.oidc.audience = \"\"",
        "auth.oidc.audience = \"a\"",
    ),
    after(
        "auth.method = \"oidc\"",
        "auth.oidc.skipExpiryCheck = false",
        "auth.oidc.skipExpiryCheck = true",
    ),
    after(
        "auth.method = \"oidc\"",
        "auth.oidc.skipIssuerCheck = false",
        "auth.oidc.skipIssuerCheck = true",
    ),
    row(
        "transport.tcpKeepalive = 7200",
        "transport.tcpKeepalive = -1",
    ),
    row("transport.maxPoolCount = 5", "transport.maxPoolCount = 6"),
    row(
        "transport.heartbeatTimeout = -1",
        "transport.heartbeatTimeout = 9",
    ),
    after(
        "transport.tcpMux = false",
        "transport.heartbeatTimeout = 90",
        "transport.heartbeatTimeout = -1",
    ),
    row("transport.tls.force = false", "transport.tls.force = true"),
    row(
        "transport.tls.trustedCaFile = \"\"",
        "transport.tls.trustedCaFile = \"/ca\"",
    ),
    row(
        "sshTunnelGateway.bindPort = 0",
        "sshTunnelGateway.bindPort = 2200",
    ),
    after(
        "sshTunnelGateway.bindPort = 2200",
        "sshTunnelGateway.autoGenPrivateKeyPath = \"./.autogen_ssh_key\"",
        "sshTunnelGateway.autoGenPrivateKeyPath = \"/k\"",
    ),
    after(
        "sshTunnelGateway.bindPort = 2200",
        "sshTunnelGateway.privateKeyFile = \"\"",
        "sshTunnelGateway.privateKeyFile = \"/k\"",
    ),
    after(
        "sshTunnelGateway.bindPort = 2200",
        "sshTunnelGateway.authorizedKeysFile = \"\"",
        "sshTunnelGateway.authorizedKeysFile = \"/k\"",
    ),
];
