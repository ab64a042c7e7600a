use std::time::Duration;

use crate::*;

fn server(text: &str) -> ServerConfig {
    parse_server(text, "s", Strictness::Strict).unwrap().config
}

fn client(text: &str) -> ClientConfig {
    parse_client(text, "c", Strictness::Strict).unwrap().config
}

fn server_faults(text: &str) -> Vec<String> {
    let error = parse_server(text, "s", Strictness::Strict).unwrap_err();
    error.to_string().lines().map(str::to_owned).collect()
}

fn client_faults(text: &str) -> Vec<String> {
    let error = parse_client(text, "c", Strictness::Strict).unwrap_err();
    error.to_string().lines().map(str::to_owned).collect()
}

/// A client file with one proxy of these lines, which begin in line 2.
fn proxy(lines: &str) -> String {
    format!("[[proxies]]\nname = \"p\"\n{lines}")
}

#[test]
fn an_empty_server_file_is_all_defaults() {
    let config = server("");
    assert_eq!(
        (config.bind_addr.as_str(), config.bind_port),
        ("0.0.0.0", 7000)
    );
    assert_eq!(config.vhost_http_port, None);
    assert_eq!(config.vhost_http_timeout, Duration::from_secs(60));
    assert_eq!(config.user_conn_timeout, Duration::from_secs(10));
    assert_eq!(config.udp_packet_size, 1500);
    assert_eq!(config.allow_ports, PortRanges::All);
    assert!(config.detailed_errors_to_client);
    assert_eq!(config.transport.heartbeat_timeout, None);
    assert_eq!(
        config.transport.tcp_keepalive,
        Some(Duration::from_secs(7200))
    );
    assert_eq!(config.transport.max_pool_count, 5);
    assert_eq!(config.log.to, LogTarget::Console { color: true });
    assert_eq!(config.log.level, LogLevel::Info);
    assert!(config.web_server.is_none() && config.ssh_tunnel_gateway.is_none());
    assert_eq!(
        config.auth.method,
        AuthMethod::Token {
            token: Secret::default()
        }
    );
}

#[test]
fn an_empty_client_file_is_all_defaults() {
    let config = client("");
    assert_eq!(
        (config.server_addr.as_str(), config.server_port),
        ("0.0.0.0", 7000)
    );
    assert!(config.login_fail_exit);
    let transport = config.transport;
    assert_eq!(transport.protocol, Protocol::Tcp);
    assert_eq!(transport.wire, WireVersion::V1);
    assert_eq!(transport.pool_count, 1);
    assert_eq!(transport.heartbeat, None);
    assert_eq!(
        transport.tcp_mux.unwrap().keepalive_interval,
        Duration::from_secs(30)
    );
    assert_eq!(transport.tls.enabled, Some(ClientTlsOn::default()));
}

#[test]
fn zero_means_default_and_heartbeats_follow_the_mux() {
    let off = "transport.tcpMux = false\ntransport.heartbeatInterval = 0\nserverPort = 0\n";
    let config = client(off);
    assert_eq!(config.server_port, 7000);
    let heartbeat = config.transport.heartbeat.unwrap();
    assert_eq!(heartbeat.interval, Duration::from_secs(30));
    assert_eq!(heartbeat.timeout, Some(Duration::from_secs(90)));
    assert_eq!(
        client("transport.heartbeatInterval = -1")
            .transport
            .heartbeat,
        None
    );
    let config = server("transport.tcpMux = false\ntransport.tcpKeepalive = -1");
    assert_eq!(
        config.transport.heartbeat_timeout,
        Some(Duration::from_secs(90))
    );
    assert_eq!(config.transport.tcp_keepalive, None);
}

#[test]
fn keys_fold_case_and_whole_floats_are_whole() {
    let config = server("BINDPORT = 7001.0\nsubdomainHost = \"x.y\"\n[LOG]\nLevel = \"debug\"\n");
    assert_eq!(config.bind_port, 7001);
    assert_eq!(config.sub_domain_host.as_deref(), Some("x.y"));
    assert_eq!(config.log.level, LogLevel::Debug);
    let text = "[metadatas]\nAbC = \"1\"\nabc = \"2\"\n";
    assert_eq!(client(text).metadatas.len(), 2);
    let twice = parse_server("bindPort = 1\nBINDPORT = 2\n", "s", Strictness::Strict).unwrap();
    assert_eq!(twice.config.bind_port, 1);
    assert_eq!(twice.warnings.len(), 1);
}

#[test]
fn unknown_keys_say_what_was_probably_meant() {
    let text = "bindPrt = 1\nfoo_bar_baz = 2\n[transport]\ntoken = \"x\"\n[log]\nbananas = 1\n";
    assert_eq!(
        server_faults(text),
        [
            "s:1: unknown field \"bindPrt\": there is no key bindPrt; did you mean \"bindPort\"?",
            "s:2: unknown field \"foo_bar_baz\": there is no key foo_bar_baz; \
             remove it, or run with --strict-config=false",
            "s:4: unknown field \"token\": there is no key transport.token; did you mean auth.token?",
            "s:6: unknown field \"bananas\": there is no key log.bananas; \
             the keys here are to, level, maxDays, disablePrintColor, format, access",
        ]
    );
    assert!(parse_server(text, "s", Strictness::Lenient).is_ok());
}

#[test]
fn unknown_keys_of_entries_name_the_entry() {
    let text = proxy(
        "type = \"http\"\nremotePort = 1\n[proxies.plugin]\ntype = \"socks5\"\nuser = \"x\"\n",
    );
    assert_eq!(
        client_faults(&text),
        [
            "c:4: decode proxy at index 0: unknown field \"remotePort\": there is no key \
             proxies[0].remotePort; only entries of another type have this key",
            "c:7: decode proxy at index 0: unknown field \"user\": there is no key \
             proxies[0].plugin.user; did you mean \"username\"?",
        ]
    );
}

#[test]
fn keys_of_another_type_are_not_sent_elsewhere() {
    let text = "[[visitors]]\nname = \"v\"\ntype = \"stcp\"\nserverName = \"s\"\nbindPort = 1\n\
                protocol = \"kcp\"\n";
    assert_eq!(
        client_faults(text),
        [
            "c:6: decode visitor at index 0: unknown field \"protocol\": there is no key \
          visitors[0].protocol; only entries of another type have this key"
        ]
    );
}

#[test]
fn wrong_types_are_errors_even_when_lenient() {
    let text = "bindPort = \"7000\"\nallowPorts = [{ single = \"1\" }]\n\
                enablePrometheus = 1\n[log]\nmaxDays = 3.5\n[auth]\ntoken = 12345\n";
    let error = parse_server(text, "s", Strictness::Lenient)
        .unwrap_err()
        .to_string();
    let lines: Vec<_> = error.lines().collect();
    assert_eq!(
        lines,
        [
            "s:1: field \"bindPort\": cannot unmarshal string into int (found \"7000\"); \
             write a whole number, without quotes and without a fraction",
            "s:2: field \"allowPorts[0].single\": cannot unmarshal string into int (found \"1\"); \
             write a whole number, without quotes and without a fraction",
            "s:3: field \"enablePrometheus\": cannot unmarshal number into bool (found 1); \
             write true or false, without quotes",
            "s:5: field \"log.maxDays\": cannot unmarshal number 3.5 into int; \
             write a whole number, without quotes and without a fraction",
            "s:7: field \"auth.token\": cannot unmarshal number into string; write it in quotes",
        ]
    );
}

#[test]
fn server_faults_come_in_upstreams_order() {
    let text = "tcpmuxHTTPConnectPort = 70000\nbindPort = -1\n[log]\nlevel = \"inf\"\n\
                [auth]\nmethod = \"tokn\"\nadditionalScopes = [\"heartbeats\"]\n[webServer.tls]\n";
    let faults = server_faults(text);
    let gists = [
        "s:6: invalid auth method, optional values are [token oidc] (found \"tokn\" at auth.method); did you mean \"token\"?",
        "s:7: invalid auth additional scopes, optional values are [HeartBeats NewWorkConns]",
        "s:4: invalid log level, optional values are [trace debug info warn error]",
        "s:8: tls.certFile must be specified when tls is enabled; set webServer.tls.certFile",
        "s:2: bindPort: port number -1 must be in the range 0..65535",
        "s:1: tcpMuxHTTPConnectPort: port number 70000 must be in the range 0..65535",
    ];
    assert_eq!(faults.len(), gists.len(), "{faults:#?}");
    for (fault, gist) in faults.iter().zip(gists) {
        assert!(fault.starts_with(gist), "{fault}");
    }
}

#[test]
fn client_contradictions() {
    let text = "[auth]\ntoken = \"a\"\ntokenSource = { type = \"file\" }\n[transport]\n\
                protocol = \"tls\"\nheartbeatInterval = 30\nheartbeatTimeout = 10\n\
                [virtualNet]\naddress = \"10.0.0.1/8\"\n";
    let faults = client_faults(text).join("\n");
    for gist in [
        "c:9: VirtualNet feature is not enabled",
        "c:3: cannot specify both auth.token and auth.tokenSource",
        "c:3: invalid auth.tokenSource: file configuration is required when type is 'file'",
        "c:7: invalid transport.heartbeatTimeout, heartbeat timeout should not less than",
        "c:5: invalid transport.protocol, optional values are [tcp kcp quic websocket wss]",
    ] {
        assert!(faults.contains(gist), "{gist}\n{faults}");
    }
}

#[test]
fn targets_of_forward_proxies_can_be_denied() {
    let plugin = |key: &str| format!("type = \"tcp\"\nplugin = {{ type = \"socks5\", {key} }}\n");
    let config = client(&proxy(&plugin("denyTargets = [\"10.0.0.0/8\", \"::1\"]")));
    let Backend::Plugin(PluginConfig::Socks5(own)) = &config.proxies[0].backend else {
        panic!("{:?}", config.proxies);
    };
    let denied: Vec<_> = own.deny_targets.iter().map(ToString::to_string).collect();
    assert_eq!(denied, ["10.0.0.0/8", "::1/128"]);
    let faults = client_faults(&proxy(&plugin("denyTargets = [\"::1\", \"localhost\"]")));
    assert_eq!(faults.len(), 1);
    assert!(
        faults[0].contains("proxies[0].plugin.denyTargets[1]"),
        "{faults:?}"
    );
}

#[test]
fn errors_of_the_vhost_are_upstreams_unless_asked_for() {
    assert_eq!(server("").vhost_http_error_mode, VhostErrorMode::Compatible);
    let precise = server("vhostHTTPErrorMode = \"precise\"");
    assert_eq!(precise.vhost_http_error_mode, VhostErrorMode::Precise);
    let faults = server_faults("vhostHTTPErrorMode = \"precize\"");
    assert!(
        faults[0].contains("did you mean \"precise\"?"),
        "{faults:?}"
    );
}

#[test]
fn the_virtual_network_has_an_address() {
    let text = |address: &str| {
        format!("featureGates = {{ VirtualNet = true }}\nvirtualNet.address = \"{address}\"\n")
    };
    let network = client(&text("100.86.0.1/24")).virtual_net_address.unwrap();
    assert_eq!(network.to_string(), "100.86.0.1/24");
    let faults = client_faults(&text("100.86.0.1"));
    assert!(
        faults[0].contains("invalid virtualNet.address"),
        "{faults:?}"
    );
}

#[test]
fn quic_is_upstreams_without_our_keys() {
    let quic = client("").transport.quic;
    assert_eq!(quic, server("").transport.quic);
    assert_eq!(quic.congestion, Congestion::Bbr);
    assert_eq!(quic.max_incoming_streams, 100_000);
    // 100 Mbit/s at 200 ms.
    assert!(quic.stream_receive_window > 2_500_000 && quic.send_window > 2_500_000);

    let text = "[transport.quic]\ncongestion = \"bbr\"\nstreamReceiveWindow = 100000\n";
    let quic = client(text).transport.quic;
    assert_eq!(quic.congestion, Congestion::Bbr);
    assert_eq!(quic.stream_receive_window, 100_000);

    let text = "[transport.quic]\ncongestion = \"reno\"\nsendWindow = -1\n\
                connectionReceiveWindow = 100\n";
    let faults = client_faults(text).join("\n");
    for gist in [
        "c:2: invalid transport.quic.congestion, optional values are [cubic bbr newreno]",
        "c:3: invalid transport.quic.sendWindow",
        "c:4: invalid transport.quic.connectionReceiveWindow",
    ] {
        assert!(faults.contains(gist), "{gist}\n{faults}");
    }
}

#[test]
fn oidc_needs_an_endpoint() {
    let faults = client_faults("[auth]\nmethod = \"oidc\"\n").join("\n");
    assert!(
        faults.contains("c:1: auth.oidc.clientID is required"),
        "{faults}"
    );
    assert!(
        faults.contains("auth.oidc.tokenEndpointURL is required"),
        "{faults}"
    );
    let both = "auth.oidc.clientID = \"a\"\nauth.oidc.tokenSource = { type = \"file\", file.path = \"x\" }";
    let faults = client_faults(both).join("\n");
    assert!(
        faults.starts_with("c:2: cannot specify both auth.oidc.tokenSource and"),
        "{faults}"
    );
    let text = "[auth]\nmethod = \"oidc\"\n[auth.oidc]\nclientID = \"a\"\ntokenEndpointURL = \"ftp://x\"\n\
                additionalEndpointParams = { scope = \"a\" }\n";
    let faults = client_faults(text).join("\n");
    assert!(
        faults.contains("c:5: auth.oidc.tokenEndpointURL must use http or https"),
        "{faults}"
    );
    assert!(
        faults.contains("c:6: auth.oidc.additionalEndpointParams.scope is not"),
        "{faults}"
    );
}

#[test]
fn types_of_entries() {
    let text = "[[proxies]]\nname = \"a\"\ntype = \"TCP\"\n[[proxies]]\nname = \"b\"\n\
                [[visitors]]\nname = \"v\"\ntype = \"tcp\"\n[[proxies]]\nname = \"d\"\ntype = \"tcp\"\n\
                plugin = { type = \"sock5\" }\n[[proxies]]\nname = \"e\"\ntype = \"tcp\"\nplugin = { }\n";
    let faults = client_faults(text);
    let gists = [
        "c:3: decode proxy at index 0: unknown proxy type: TCP (found \"TCP\" at proxies[0].type); did you mean \"tcp\"?",
        "c:4: decode proxy at index 1: unknown proxy type: ",
        "c:8: decode visitor at index 0: unknown visitor type: tcp",
        "c:12: decode proxy at index 2: unknown plugin type: sock5",
        "c:16: decode proxy at index 3: plugin type is empty; set proxies[3].plugin.type",
    ];
    assert_eq!(faults.len(), gists.len(), "{faults:#?}");
    for (fault, gist) in faults.iter().zip(gists) {
        assert!(fault.starts_with(gist), "{fault}");
    }
}

#[test]
fn checks_of_one_proxy() {
    for (lines, gist) in [
        (
            "type = \"http\"",
            "c:1: proxy p: subdomain and custom domains should not be both empty",
        ),
        (
            "type = \"tcp\"\nlocalPort = 65536",
            "c:4: proxy p: localPort: localPort: port number 65536 must be",
        ),
        (
            "type = \"tcp\"\nremotePort = -1",
            "c:4: proxy p: remotePort: port number -1 must be",
        ),
        (
            "type = \"tcp\"\nhealthCheck.type = \"http\"",
            "c:4: proxy p: health check path should not be empty",
        ),
        (
            "type = \"tcp\"\nhealthCheck.type = \"icmp\"",
            "c:4: proxy p: not support health check type: icmp",
        ),
        (
            "type = \"tcp\"\ntransport.proxyProtocolVersion = \"v3\"",
            "c:4: proxy p: not support proxy protocol version: v3",
        ),
        (
            "type = \"tcp\"\ntransport.bandwidthLimitMode = \"both\"",
            "c:4: proxy p: bandwidth limit mode should be client or server",
        ),
        (
            "type = \"tcp\"\ntransport.bandwidthLimit = \"1GB\"",
            "c:4: decode proxy at index 0: unit not support",
        ),
        (
            "type = \"tcpmux\"\nsubdomain = \"a\"\nmultiplexer = \"x\"",
            "c:5: proxy p: not support multiplexer: x",
        ),
        (
            "type = \"tcp\"\nannotations = { \"a b\" = \"1\" }",
            "c:4: proxy p: annotation key a b is invalid: ",
        ),
        (
            "type = \"tcp\"\nplugin = { type = \"static_file\" }",
            "c:4: proxy p: plugin static_file: localPath is required",
        ),
    ] {
        let faults = client_faults(&proxy(lines));
        assert_eq!(faults.len(), 1, "{faults:#?}");
        assert!(faults[0].starts_with(gist), "{}\n{gist}", faults[0]);
    }
}

#[test]
fn checks_of_one_visitor() {
    let faults = client_faults("[[visitors]]\nname = \"v\"\ntype = \"xtcp\"\nprotocol = \"tcp\"\n");
    let gists = [
        "c:1: visitor v: server name is required",
        "c:1: visitor v: bind port is required",
        "c:4: visitor v: protocol should be kcp or quic",
    ];
    assert_eq!(faults.len(), gists.len(), "{faults:#?}");
    for (fault, gist) in faults.iter().zip(gists) {
        assert!(fault.starts_with(gist), "{fault}");
    }
}

#[test]
fn names_are_unique_even_among_disabled_entries() {
    let text = "start = [\"z\"]\n[[proxies]]\nname = \"a\"\ntype = \"tcp\"\nenabled = false\n\
                [[proxies]]\nname = \"a\"\ntype = \"udp\"\n";
    assert_eq!(
        client_faults(text),
        [
            "c:7: proxy name [a] is duplicated; it is used in line 3 already, give one of the two another name"
        ]
    );
}

#[test]
fn start_and_enabled_choose_before_the_checks() {
    let text = "start = [\"b\", \"c\", \"v\"]\n[[proxies]]\nname = \"c\"\ntype = \"tcp\"\n\
                [[proxies]]\nname = \"b\"\ntype = \"udp\"\nremotePort = 5\n\
                [[proxies]]\nname = \"a\"\ntype = \"http\"\n\
                [[visitors]]\nname = \"v\"\ntype = \"stcp\"\nenabled = false\n";
    let config = client(text);
    let names: Vec<_> = config.proxies.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["b", "c"]);
    assert_eq!(config.proxies[0].kind, ProxyKind::Udp { remote_port: 5 });
    assert!(config.visitors.is_empty());
}

#[test]
fn bandwidth_is_read_as_upstream_does() {
    for (text, bytes) in [
        ("10MB", Some(10 << 20)),
        (" 1.5KB ", Some(1536)),
        ("0MB", None),
        ("", None),
    ] {
        let lines = format!("type = \"tcp\"\ntransport.bandwidthLimit = \"{text}\"\n");
        let limit = client(&proxy(&lines)).proxies[0]
            .transport
            .bandwidth_limit
            .clone();
        let found = limit.map(|limit| limit.bytes_per_second.get());
        assert_eq!(found, bytes, "{text}");
    }
}

#[test]
fn allowed_ports_merge_and_clip() {
    let text = "allowPorts = [{ start = 10, end = 20 }, { single = 21 }, { start = 5, end = 1 },\n\
                { start = 65530, end = 70000 }, { start = 12, end = 15, single = 8 }]\n";
    let loaded = parse_server(text, "s", Strictness::Strict).unwrap();
    assert_eq!(loaded.warnings.len(), 1);
    let ports = loaded.config.allow_ports;
    assert_eq!(ports, PortRanges::Only(vec![8..=8, 10..=21, 65530..=65535]));
    assert!(ports.contains(8) && !ports.contains(9) && !ports.contains(0));
    assert_eq!(ports.ports().count(), 19);
    assert_eq!(PortRanges::All.ports().count(), 65535);
}

#[test]
fn tls_of_both_ends() {
    let text = "[transport.tls]\ntrustedCaFile = \"ca\"\ncertFile = \"c\"\n";
    let loaded = parse_server(text, "s", Strictness::Strict).unwrap();
    let tls = loaded.config.transport.tls;
    assert!(tls.force && tls.identity.is_none() && tls.trusted_ca.is_some());
    let warning = loaded.warnings[0].to_string();
    assert_eq!(
        warning,
        "transport.tls.certFile is ignored because transport.tls.keyFile is not set (s:3)"
    );
    let off = "[transport.tls]\nenable = false\ntrustedCaFile = \"ca\"\n";
    let loaded = parse_client(off, "c", Strictness::Strict).unwrap();
    assert_eq!(loaded.config.transport.tls.enabled, None);
    assert_eq!(
        loaded.warnings[0].text,
        "transport.tls.trustedCaFile is invalid when transport.tls.enable is false"
    );
    let custom = client("transport.tls.disableCustomTLSFirstByte = false");
    assert!(custom.transport.tls.enabled.unwrap().custom_first_byte);
}

#[test]
fn secrets_never_show() {
    let text = "auth.token = \"hunter2\"\n[[proxies]]\nname = \"p\"\ntype = \"stcp\"\nsecretKey = \"hunter2\"\n\
                [proxies.plugin]\ntype = \"socks5\"\npassword = \"hunter2\"\n";
    let config = client(text);
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter2") && shown.contains("[hidden]"));
    assert_eq!(
        config.auth.method,
        AuthMethod::Token {
            token: Secret::new("hunter2")
        }
    );
}

#[test]
fn paths_and_name_servers_are_completed() {
    let text = "store.path = \"db.json\"\ndnsServer = \"::1\"\n";
    let config = parse_client(text, "some/dir/frpc", Strictness::Strict)
        .unwrap()
        .config;
    assert_eq!(
        config.store.unwrap(),
        std::path::Path::new("some/dir/db.json")
    );
    assert_eq!(config.dns_server.unwrap(), "[::1]:53");
    assert_eq!(
        client("dnsServer = \"8.8.8.8\"").dns_server.unwrap(),
        "8.8.8.8:53"
    );
    assert_eq!(client("dnsServer = \"a:5\"").dns_server.unwrap(), "a:5");
}

#[test]
fn huge_times_do_not_overflow() {
    let text = format!(
        "userConnTimeout = {0}\nnatholeAnalysisDataReserveHours = {0}\n",
        i64::MAX
    );
    let config = server(&text);
    assert_eq!(config.user_conn_timeout, LONGEST);
    assert_eq!(config.nat_hole_analysis_data_reserve, LONGEST);
    assert!(server_faults("userConnTimeout = -1")[0].starts_with("s:1: invalid userConnTimeout"));
}

/// Damaged files are errors or files, never a crash. Deterministic: xorshift from a fixed seed.
#[test]
fn damaged_files_do_not_crash() {
    let full = include_str!("../../frpc_full_example.toml");
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % below
    };
    let spice = [
        "[", "]", "=", "\"", "{", "}", "\n", ".", "-1", "{{", "#", "\u{212A}", "1e999", "nan",
    ];
    for _ in 0..150 {
        let mut text: Vec<&str> = full.split_inclusive('\n').collect();
        for _ in 0..3 {
            let at = next(text.len());
            match next(3) {
                0 => drop(text.remove(at)),
                1 => text.insert(at, spice[next(spice.len())]),
                _ => text.swap(at, 0),
            }
        }
        let text = text.concat();
        for strictness in [Strictness::Strict, Strictness::Lenient] {
            drop(parse_client(&text, "c", strictness));
            drop(parse_server(&text, "s", strictness));
        }
    }
}
