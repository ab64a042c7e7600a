use crate::*;

fn client(text: &str) -> ClientConfig {
    parse_client(text, "frpc.ini", Strictness::Strict)
        .unwrap()
        .config
}

fn client_error(text: &str) -> String {
    parse_client(text, "frpc.ini", Strictness::Strict)
        .unwrap_err()
        .to_string()
}

fn server(text: &str) -> ServerConfig {
    parse_server(text, "frps.ini", Strictness::Strict)
        .unwrap()
        .config
}

#[test]
fn common_keys_of_frpc() {
    let config = client(
        "[common]\nserver_addr = \"h\"\nserver_port = 0x1b59\nuser = u ; kept\ntls_enable = off\n\
         tcp_mux = no\nheartbeat_interval = 5\nlog_level = warn\nmeta_a = 1\nmeta_B = 2\n\
         authenticate_heartbeats\nunknown = x\nTOKEN = no\ntoken = t\nadmin_port = 7400\n",
    );
    assert_eq!(
        (config.server_addr.as_str(), config.server_port),
        ("h", 7001)
    );
    assert_eq!(config.user, "u ; kept");
    assert!(config.transport.tls.enabled.is_none() && config.transport.tcp_mux.is_none());
    assert_eq!(config.log.level, LogLevel::Warn);
    assert_eq!(config.metadatas.get("B").unwrap(), "2");
    assert!(config.auth.scopes.heartbeats && !config.auth.scopes.new_work_conns);
    assert_eq!(
        config.auth.method,
        AuthMethod::Token {
            token: Secret::new("t".to_owned())
        }
    );
    assert_eq!(config.web_server.unwrap().addr, "127.0.0.1");
}

#[test]
fn a_number_with_a_note_behind_it_counts_as_not_written() {
    let config = client("[common]\nserver_port = 7001 ; note\n");
    assert_eq!(config.server_port, 7000);
}

#[test]
fn proxies_and_visitors() {
    let config = client(
        "[common]\nstart = web,v,r_1,s\n[web]\ntype = http\ncustom_domains = a.com, b.com\n\
         locations = /,/x\nheader_X-A = 1\nuse_gzip = true\nplugin_x = 1\n[off]\ntype = nonsense\n\
         [v]\nrole = visitor\ntype = xtcp\nserver_name = n\nbind_port = 1\nsk = s\n\
         keep_tunnel_open = true\n[range:r]\nlocal_port = 10-11\nremote_port = 20,30\n\
         [s]\ntype = tcp\nplugin = static_file\nplugin_local_path = /tmp\nplugin_http_user = a\n",
    );
    let names: Vec<&str> = config.proxies.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["r_1", "s", "web"]);
    let Backend::Local { port, .. } = &config.proxies[0].backend else {
        panic!()
    };
    assert_eq!(*port, 11);
    let ProxyKind::Tcp { remote_port } = &config.proxies[0].kind else {
        panic!()
    };
    assert_eq!(*remote_port, 30);
    let Backend::Plugin(PluginConfig::StaticFile(files)) = &config.proxies[1].backend else {
        panic!()
    };
    assert_eq!(files.local_path.to_str(), Some("/tmp"));
    let ProxyKind::Http(web) = &config.proxies[2].kind else {
        panic!()
    };
    assert_eq!(web.custom_domains, ["a.com", "b.com"]);
    assert_eq!(web.locations, ["/", "/x"]);
    assert_eq!(web.request_headers.get("X-A").unwrap(), "1");
    assert_eq!(config.visitors.len(), 1);
}

#[test]
fn errors_of_frpc() {
    for (text, wanted) in [
        (
            "[common]\nprotocol = foo\n",
            "frpc.ini:2: parse config error: invalid protocol",
        ),
        (
            "[common]\nheartbeat_interval = 9\nheartbeat_timeout = 8\n",
            "frpc.ini:3: parse config error: invalid heartbeat_timeout",
        ),
        (
            "[common]\n[a]\ntype = x\n",
            "frpc.ini:3: failed to parse proxy a, err: invalid type [x]",
        ),
        (
            "[common]\n[a]\nrole = x\n",
            "frpc.ini:3: proxy a role should be 'server' or 'visitor'",
        ),
        (
            "[common]\n[a]\nrole = visitor\n",
            "frpc.ini:2: failed to parse visitor a, err: type shouldn't be empty",
        ),
        (
            "[common]\n[a]\nrole = visitor\ntype = tcp\n",
            "frpc.ini:4: failed to parse visitor a, err: type [tcp] error",
        ),
        (
            "[common]\n[range:a]\nlocal_port = 1-3\n",
            "frpc.ini:2: failed to render template for proxy range:a: local_port or remote_port is empty",
        ),
        (
            "[common]\n[range:a]\nlocal_port = 1-3\nremote_port = 1\n",
            "frpc.ini:4: failed to render template for proxy range:a: local ports number should be same",
        ),
        (
            "[common]\n[a]\ntype = http\n",
            "frpc.ini:2: proxy a: subdomain and custom domains",
        ),
        (
            "[common]\n[a]\nlocal_port = 70000\n",
            "frpc.ini:3: proxy a: localPort: localPort: port",
        ),
        ("[common]\n[a]\nbandwidth_limit = 1\n", "unit not support"),
        (
            "[common]\nx = {{ parseNumberRange `1` }}\n",
            "function \"parseNumberRange\" not defined",
        ),
    ] {
        let found = client_error(text);
        assert!(found.contains(wanted), "{text}: {found}");
    }
}

#[test]
fn frps() {
    let config = server(
        "# old\n[common]\nbind_port = 7001\nallow_ports = 1000-1002,3000\ndashboard_port = 1\n\
         pprof_enable = true\ntls_only = true\n[plugin.auth]\naddr = 127.0.0.1:9\npath = /h\n\
         ops = Login, NewProxy\ntlsVerify = true\n",
    );
    assert_eq!(config.bind_port, 7001);
    assert_ne!(config.allow_ports, PortRanges::All);
    let web = config.web_server.unwrap();
    assert_eq!(web.addr, "0.0.0.0");
    assert!(!web.pprof);
    assert_eq!(config.http_plugins.len(), 1);
    let malformed = server("[common]\nallow_ports = 5-1\n");
    assert_eq!(malformed.allow_ports, PortRanges::All);
}

#[test]
fn what_is_of_this_format() {
    assert!(super::is_legacy("a = [\n1,\n]\n[common]\n"));
    assert!(super::is_legacy("\u{FEFF}  [common]\r\n"));
    assert!(!super::is_legacy("[common\n"));
    assert!(!super::is_legacy("[common]\nx = `y\n"));
    assert!(!super::is_legacy("[common]\n= 1\n"));
    assert!(!super::is_legacy("# [common]\nbindPort = 7000\n"));
}

#[test]
fn values() {
    let all = super::ini::sections(
        "top = 1\n[a]\nx = 'q'\ny: \"\"\"two\nlines\"\"\"\nz = one\\\n  two\nalone\n\
         \"k = v\" = 1\nx = \"last\"\nw = \"a\" b\n[b]\n[a]\ne =\n",
    )
    .unwrap();
    assert_eq!(all.len(), 3);
    let a = &all[1];
    assert_eq!(a.get("x"), "last");
    assert_eq!(a.get("y"), "two\nlines");
    assert_eq!(a.get("z"), "onetwo");
    assert_eq!(a.get("alone"), "true");
    assert_eq!(a.get("k = v"), "1");
    assert_eq!(a.get("w"), "\"a\" b");
    assert_eq!(a.entry("e").unwrap().line, 14);
}
