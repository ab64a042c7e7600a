use crate::{AuthMethod, ClientConfig, Protocol, Strictness, parse_client};

fn read(text: &str) -> ClientConfig {
    parse_client(text, "frpc.toml", Strictness::Strict)
        .unwrap()
        .config
}

#[test]
fn without_servers_there_is_one_without_a_name() {
    let config = read("serverAddr = \"a\"");
    let each = config.for_each_server();
    assert_eq!(each, [(String::new(), config)]);
}

#[test]
fn each_server_has_what_is_its_own_and_else_what_all_have() {
    let config = read(
        r#"
        auth.token = "shared"
        transport.protocol = "wss"
        transport.tls.trustedCaFile = "/ca"
        [[servers]]
        addr = "::1"
        [[servers]]
        name = "far"
        addr = "far.example"
        port = 7443
        protocol = "quic"
        token = "own"
        tls = { serverName = "name.example", trustedCaFile = "/other" }
        [[servers]]
        srv = "example.com"
        "#,
    );
    let each = config.for_each_server();
    let names: Vec<_> = each.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["[::1]:7000", "far", "srv:example.com"]);
    let own: Vec<_> = each.into_iter().map(|(_, own)| own).collect();
    let [near, far, srv] = own.try_into().unwrap();
    let token = |own: &ClientConfig| match &own.auth.method {
        AuthMethod::Token { token } => token.expose().to_owned(),
        other => panic!("{other:?}"),
    };
    let at = |own: &ClientConfig| (own.server_addr.clone(), own.server_port);
    let tls = |own: &ClientConfig| own.transport.tls.enabled.clone().unwrap();

    assert_eq!(at(&near), ("::1".to_owned(), 7000));
    assert_eq!(
        (near.transport.protocol.clone(), token(&near)),
        (Protocol::Wss, "shared".to_owned())
    );
    assert_eq!(tls(&near).server_name, None);
    assert!(near.servers.is_none() && near.server_srv.is_none());

    assert_eq!(at(&far), ("far.example".to_owned(), 7443));
    assert_eq!(
        (far.transport.protocol.clone(), token(&far)),
        (Protocol::Quic, "own".to_owned())
    );
    assert_eq!(tls(&far).server_name.as_deref(), Some("name.example"));
    assert_eq!(tls(&far).trusted_ca, Some("/other".into()));

    assert_eq!(srv.server_srv.as_deref(), Some("example.com"));
    assert_eq!(tls(&srv).server_name.as_deref(), Some("example.com"));
    assert_eq!(tls(&srv).trusted_ca, Some("/ca".into()));
}

#[test]
fn more_than_sixteen_are_refused() {
    let servers = |n: usize| {
        let entries: String = (0..n)
            .map(|at| format!("[[servers]]\naddr = \"s{at}\"\n"))
            .collect();
        parse_client(&entries, "frpc.toml", Strictness::Strict)
    };
    assert_eq!(servers(16).unwrap().config.for_each_server().len(), 16);
    let error = servers(17).unwrap_err().to_string();
    assert!(
        error.contains("there are 17 servers, and 16 at most"),
        "{error}"
    );
}

#[test]
fn a_policy_without_servers_is_told_of() {
    let loaded = parse_client("serverPolicy = \"latency\"", "c", Strictness::Strict).unwrap();
    let told = loaded.warnings.iter().any(|w| w.key == "serverPolicy");
    assert!(told && loaded.config.servers.is_none());
}
