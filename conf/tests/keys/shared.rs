//! The tables that both files have.

use crate::{Row, after, checked, row};

pub(crate) const SHARED: &[Row] = &[
    checked(
        "auth.method = \"token\"",
        "auth.token = \"t\"",
        &[
            (
                "auth.method = \"jwt\"",
                "invalid auth method, optional values are [token oidc]",
            ),
            (
                "auth.token = \"t\"\nauth.tokenSource = {type = \"file\", file.path = \"/t\"}",
                "cannot specify both auth.token and auth.tokenSource",
            ),
        ],
    ),
    checked(
        "auth.additionalScopes = []",
        "auth.additionalScopes = [\"HeartBeats\", \"NewWorkConns\"]",
        &[(
            "auth.additionalScopes = [\"heartbeats\"]",
            "invalid auth additional scopes, optional values are [HeartBeats NewWorkConns]",
        )],
    ),
    checked(
        "auth.token = \"\"",
        "auth.tokenSource = {type = \"file\", file.path = \"/t\"}",
        &[
            (
                "auth.tokenSource.type = \"file\"",
                "invalid auth.tokenSource: file configuration is required when type is 'file'",
            ),
            (
                "auth.tokenSource = {type = \"file\", file = {}}",
                "invalid auth.tokenSource: file path cannot be empty",
            ),
            (
                "auth.tokenSource.type = \"exec\"",
                "invalid auth.tokenSource: exec configuration is required when type is 'exec'",
            ),
            (
                "auth.tokenSource = {type = \"exec\", exec = {}}",
                "invalid auth.tokenSource: exec command cannot be empty",
            ),
            (
                "auth.tokenSource = {type = \"exec\", exec = {command = \"/c\", env = [{}]}}",
                "invalid auth.tokenSource: exec env name cannot be empty",
            ),
            (
                "auth.tokenSource = {type = \"exec\", exec = {command = \"/c\", env = [{name = \"a=b\"}]}}",
                "invalid auth.tokenSource: exec env name cannot contain '='",
            ),
            (
                "auth.tokenSource = {type = \"exec\", exec.command = \"/c\"}",
                "unsafe feature \"TokenSourceExec\" is not enabled. To enable it, ensure it is \
                 allowed in the configuration or command line flags",
            ),
            (
                "auth.tokenSource.type = \"env\"",
                "unsupported value source type: env (only 'file' and 'exec' are supported)",
            ),
        ],
    ),
    row("log.to = \"console\"", "log.to = \"/var/log/f\""),
    checked(
        "log.level = \"info\"",
        "log.level = \"debug\"",
        &[(
            "log.level = \"INFO\"",
            "invalid log level, optional values are [trace debug info warn error]",
        )],
    ),
    row("log.maxDays = 3", "log.maxDays = 4"),
    row(
        "log.disablePrintColor = false",
        "log.disablePrintColor = true",
    ),
    checked(
        "webServer.port = 0",
        "webServer.port = 7500",
        &[
            (
                "webServer.port = -5",
                "webServer.port: port number -5 must be in the range 0..65535",
            ),
            (
                "webServer.tls = {}",
                "tls.certFile must be specified when tls is enabled",
            ),
            (
                "webServer.tls.certFile = \"/c\"",
                "tls.keyFile must be specified when tls is enabled",
            ),
        ],
    ),
    after(
        "webServer.port = 1",
        "webServer.addr = \"127.0.0.1\"",
        "webServer.addr = \"0.0.0.0\"",
    ),
    after(
        "webServer.port = 1",
        "webServer.user = \"\"",
        "webServer.user = \"u\"",
    ),
    after(
        "webServer.port = 1",
        "webServer.password = \"\"",
        "webServer.password = \"p\"",
    ),
    after(
        "webServer.port = 1",
        "webServer.assetsDir = \"\"",
        "webServer.assetsDir = \"/a\"",
    ),
    after(
        "webServer.port = 1",
        "webServer.pprofEnable = false",
        "webServer.pprofEnable = true",
    ),
    after(
        "webServer.port = 1",
        "",
        "webServer.tls = {certFile = \"/c\", keyFile = \"/k\"}",
    ),
    row("transport.tcpMux = true", "transport.tcpMux = false"),
    row(
        "transport.tcpMuxKeepaliveInterval = 30",
        "transport.tcpMuxKeepaliveInterval = 31",
    ),
    row(
        "transport.quic.keepalivePeriod = 10",
        "transport.quic.keepalivePeriod = 11",
    ),
    row(
        "transport.quic.maxIdleTimeout = 30",
        "transport.quic.maxIdleTimeout = 31",
    ),
    row(
        "transport.quic.maxIncomingStreams = 100000",
        "transport.quic.maxIncomingStreams = 9",
    ),
    row(
        "transport.tls.certFile = \"\"",
        "transport.tls = {certFile = \"/c\", keyFile = \"/k\"}",
    ),
];
