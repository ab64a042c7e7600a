//! What `verify` says: every fault of a file at once, and what is allowed but can do harm.

use culvert_conf::{
    ClientConfig, ConfigError, Loaded, Problem, Strictness, check_client, check_server,
    parse_client, parse_server,
};

/// What is wrong with a file; nothing if it is right or cannot be read at all.
fn problems<T>(read: Result<Loaded<T>, ConfigError>) -> Vec<Problem> {
    match read {
        Err(ConfigError::Invalid { problems }) => problems,
        _ => Vec::new(),
    }
}

fn client(text: &str) -> Result<Loaded<ClientConfig>, ConfigError> {
    parse_client(text, "frpc.toml", Strictness::Strict)
}

fn keys(problems: &[Problem]) -> Vec<(&str, u32)> {
    let keys = problems.iter().map(|p| (p.key.as_str(), p.line));
    keys.collect()
}

#[test]
fn wrong_types_unknown_keys_and_wrong_values_are_reported_together() {
    let found = problems(client(
        "serverPrt = 7000\nloginFailExit = \"yes\"\ntransport.protocol = \"tpc\"\n\
         [[proxies]]\nname = \"a\"\ntype = \"http\"\nlocalPort = 70000\n",
    ));
    let wanted = [
        ("serverPrt", 1),
        ("loginFailExit", 2),
        ("transport.protocol", 3),
        ("proxies[0].localPort", 7),
        ("proxies[0].customDomains", 4),
    ];
    assert_eq!(keys(&found), wanted);
    let said: Vec<_> = found.iter().map(|p| p.fault.remedy()).collect();
    assert_eq!(said[0], "did you mean \"serverPort\"?");
    assert_eq!(said[2], "did you mean \"tcp\"?");
    assert_eq!(found[3].fault.found().as_deref(), Some("70000"));
}

#[test]
fn an_entry_that_cannot_be_read_is_not_told_what_follows_from_that() {
    let found = problems(client(
        "[[proxies]]\nnmae = \"a\"\ntype = \"tcp\"\n[[proxies]]\nname = 5\ntype = \"tcp\"\n\
         [[proxies]]\nname = \"c\"\ntype = \"tcp\"\nlocalPort = -1\n",
    ));
    let wanted = [
        ("proxies[0].nmae", 2),
        ("proxies[1].name", 5),
        ("proxies[2].localPort", 10),
    ];
    assert_eq!(keys(&found), wanted);
}

#[test]
fn keys_without_a_file_are_checked_as_those_of_one() {
    let mut keys_ = toml::Table::new();
    keys_.insert("bindPort".to_owned(), 70_000.into());
    let mut found = problems(check_server(keys_.clone(), Strictness::Strict));
    assert_eq!(keys(&found), [("bindPort", 0)]);
    found[0].fault.rename("--bind-port");
    let said = found[0].fault.to_string();
    let wanted = "bindPort: port number 70000 must be in the range 0..65535; change --bind-port";
    assert_eq!(said, wanted);

    keys_.insert("bindPort".to_owned(), 7001.into());
    // Braces are no templates here.
    keys_.insert("subDomainHost".to_owned(), "{{ .Envs.X }}".into());
    let read = check_server(keys_, Strictness::Strict).unwrap().config;
    assert_eq!(read.bind_port, 7001);
    assert_eq!(read.sub_domain_host.as_deref(), Some("{{ .Envs.X }}"));
    let nothing = check_client(toml::Table::new(), Strictness::Strict).unwrap();
    assert_eq!(nothing.config.server_port, 7000);
}

#[test]
fn risks_are_told_apart_from_warnings() {
    let risks = |text| {
        let read = parse_server(text, "s", Strictness::Strict).unwrap();
        assert!(read.warnings.is_empty());
        let risks = read.risks.into_iter();
        risks.map(|risk| (risk.key, risk.line)).collect::<Vec<_>>()
    };
    let said = risks("bindPort = 7000\nwebServer.port = 7500\nwebServer.addr = \"0.0.0.0\"\n");
    let said: Vec<_> = said
        .iter()
        .map(|(key, line)| (key.as_str(), *line))
        .collect();
    let wanted = [
        ("auth.token", 1),
        ("transport.tls.certFile", 1),
        ("transport.tls.force", 1),
        ("webServer.password", 2),
    ];
    assert_eq!(said, wanted);
    assert!(risks("bindAddr = \"127.0.0.1\"").is_empty());
    let good = "auth.token = \"0123456789abcdef\"\n[transport.tls]\nforce = true\n\
                certFile = \"c\"\nkeyFile = \"k\"\n";
    assert!(risks(good).is_empty());

    let text = "serverAddr = \"frp.example\"\nauth.token = \"0123456789abcdef\"\n[[proxies]]\n\
                name = \"p\"\ntype = \"tcp\"\nplugin.type = \"socks5\"\n";
    let risks = client(text).unwrap().risks;
    let keys: Vec<_> = risks.iter().map(|risk| risk.key.as_str()).collect();
    assert_eq!(keys, ["transport.tls.trustedCaFile", "proxies"]);
}

/// What upstream says of files that people have written, and the line that it means.
#[test]
fn refusals_have_upstreams_words_and_the_line() {
    for (text, line, said) in [
        (
            "[common]\nserver_port = 1\n[w]\ntype = http\n",
            3,
            "proxy w: subdomain and custom domains should not be both empty",
        ),
        ("serverAddr = 0.0.0.0\n", 1, "toml: line 1, column "),
        ("a = [\n\"b\"\n\"c\"\n]\n", 3, "toml: line 3, column 1"),
        (
            "auth.token = \"{{ NO_SUCH }}\"\n",
            1,
            "template: frp:1: function \"NO_SUCH\" not defined",
        ),
        ("poolCount = 5\n", 1, "unknown field \"poolCount\""),
        ("transport = \"quic\"\n", 1, "cannot unmarshal string into"),
        (
            "user: x\nproxies:\n  web:\n    type: tcp\n",
            2,
            "field \"proxies\": cannot unmarshal object into",
        ),
        (
            "log.level = \"<no value>\"\n",
            1,
            "invalid log level, optional values are [trace debug info warn error]",
        ),
        (
            "[[proxies]]\nname = \"a\"\ntype = \"tcp\"\n[[proxies]]\nname = \"a\"\ntype = \"tcp\"\n",
            5,
            "proxy name [a] is duplicated",
        ),
        (
            "[[proxies]]\nname = \"a\"\ntype = \"tcp\"\nhealthCheck.type = \"http\"\n",
            4,
            "proxy a: health check path should not be empty",
        ),
    ] {
        let ours = parse_client(text, "frpc", Strictness::Strict)
            .unwrap_err()
            .to_string();
        assert!(ours.contains(&format!("frpc:{line}: ")), "{text}: {ours}");
        assert!(ours.contains(said), "{text}: {ours}");
    }
    let text = "transport.protocol = \"auto\"\ntransport.auto.enabled = true\n";
    let ours = parse_server(text, "frps.toml", Strictness::Strict)
        .unwrap_err()
        .to_string();
    assert!(
        ours.contains("frps.toml:2: unknown field \"auto\""),
        "{ours}"
    );
}
