use crate::{
    ClientConfig, ConfigError, Extensions, Protocol, Reading, ServerConfig, parse_client,
    parse_server,
};

const BUILD: [&str; 3] = ["carrier", "quic", "tcp"];

fn reading(allow_unsafe: &[String]) -> Reading<'_> {
    let extensions = Extensions {
        transports: &BUILD,
        allow_unsafe,
    };
    Reading {
        extensions,
        ..Reading::default()
    }
}

fn client(text: &str, allow: &[&str]) -> Result<ClientConfig, ConfigError> {
    let allow_unsafe: Vec<_> = allow.iter().map(ToString::to_string).collect();
    parse_client(text, "c", reading(&allow_unsafe)).map(|loaded| loaded.config)
}

fn server(text: &str, allow: &[&str]) -> Result<ServerConfig, ConfigError> {
    let allow_unsafe: Vec<_> = allow.iter().map(ToString::to_string).collect();
    parse_server(text, "s", reading(&allow_unsafe)).map(|loaded| loaded.config)
}

fn fault<T: std::fmt::Debug>(end: Result<T, ConfigError>) -> String {
    end.unwrap_err().to_string()
}

#[test]
fn a_transport_of_the_build_keeps_its_table() {
    let text = "[transport]\nprotocol = \"carrier\"\n[transport.carrier]\nkey = 7\n\
                deep = { list = [1.5, true, \"x\"] }\n";
    let transport = client(text, &[]).unwrap().transport;
    assert_eq!(transport.protocol, Protocol::Other("carrier".to_owned()));
    let table = transport.own.expose();
    assert_eq!(table.get("key").and_then(toml::Value::as_integer), Some(7));
    let list = table.get("deep").and_then(|d| d.get("list"));
    assert_eq!(list.and_then(toml::Value::as_array).unwrap().len(), 3);
    assert_eq!(format!("{:?}", transport.own), "FreeTable(..)");
}

#[test]
fn a_table_of_another_name_is_an_unknown_key() {
    for protocol in ["carrier", "tcp"] {
        let text = format!("[transport]\nprotocol = \"{protocol}\"\n[transport.other]\nkey = 7\n");
        let text = fault(client(&text, &[]));
        assert!(text.starts_with("c:3: unknown field \"other\""), "{text}");
    }
    let text = fault(client("transport.carrier.key = 7\n", &[]));
    assert!(text.starts_with("c:1: unknown field \"carrier\""), "{text}");
}

#[test]
fn a_table_that_is_none_is_an_unknown_key() {
    let text = "transport.protocol = \"carrier\"\ntransport.carrier = 7\n";
    let text = fault(client(text, &[]));
    assert!(text.starts_with("c:2: unknown field \"carrier\""), "{text}");
}

#[test]
fn an_unknown_transport_gets_upstreams_words_and_the_list() {
    let text = fault(client("transport.protocol = \"tunnelx\"\n", &[]));
    assert_eq!(
        text,
        "c:1: invalid transport.protocol, optional values are [tcp kcp quic websocket wss] (found \
         \"tunnelx\" at transport.protocol); no transport of that name is in this build, which \
         has carrier, quic, tcp"
    );
    let text = fault(client("transport.protocol = \"carier\"\n", &[]));
    assert!(text.ends_with("did you mean \"carrier\"?"), "{text}");
}

#[test]
fn programs_need_a_word_of_the_operator() {
    let text = "transport.protocol = \"exec:/usr/lib/obfs\"\n[transport.exec]\npassword = \"x\"\n";
    let refused = fault(client(text, &[]));
    assert!(
        refused.starts_with("c:1: unsafe feature \"TransportExec\" is not enabled."),
        "{refused}"
    );
    assert!(
        refused.ends_with("--allow-unsafe TransportExec"),
        "{refused}"
    );
    let transport = client(text, &["TransportExec"]).unwrap().transport;
    assert_eq!(transport.protocol.as_str(), "exec:/usr/lib/obfs");
    assert!(transport.own.expose().contains_key("password"));

    let relative = fault(client(
        "transport.protocol = \"exec:obfs\"\n",
        &["TransportExec"],
    ));
    assert!(relative.contains("absolute path"), "{relative}");
}

#[test]
fn listeners_have_their_own_options_or_the_shared_ones() {
    let text = "transport.carrier.key = 1\n\
                [[listeners]]\ntransport = \"carrier\"\nbind = \"127.0.0.1:7443\"\n\
                [[listeners]]\ntransport = \"carrier\"\nbind = \"[::1]:7444\"\noptions.key = 2\n\
                [[listeners]]\ntransport = \"tcp\"\nbind = \"0.0.0.0:7445\"\n";
    let listeners = server(text, &[]).unwrap().listeners;
    let keys: Vec<_> = listeners
        .iter()
        .map(|l| l.own.expose().get("key").and_then(toml::Value::as_integer))
        .collect();
    assert_eq!(keys, [Some(1), Some(2), None]);
    assert_eq!(listeners[1].bind, "[::1]:7444".parse().unwrap());
}

#[test]
fn bad_listeners_are_named() {
    let text = "[[listeners]]\nbind = \"x\"\n\
                [[listeners]]\ntransport = \"other\"\nbind = \"127.0.0.1:1\"\n\
                [[listeners]]\ntransport = \"exec:/x\"\nbind = \"127.0.0.1:1\"\n";
    let text = fault(server(text, &[]));
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[0].contains("set listeners[0].transport"), "{text}");
    assert!(lines[1].contains("invalid listeners[0].bind"), "{text}");
    assert!(lines[2].contains("which has carrier, quic, tcp"), "{text}");
    assert!(lines[3].contains("TransportExec"), "{text}");
    let text = fault(server(
        "[[listeners]]\ntransport = \"tcp\"\nbindd = \"x\"\n",
        &[],
    ));
    assert!(text.contains("did you mean \"bind\"?"), "{text}");
}
