use super::*;

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

fn parse(text: &str) -> Result<Definition, DefinitionError> {
    Definition::parse(Defined::Proxy, text, None)
}

fn error(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

/// The forms and texts are those that frp 0.70.1 answered when it was asked.
#[test]
fn an_entry_has_the_form_of_go() {
    let text = r#"{"name":"a","type":"tcp","tcp":{"name":"zz","type":"udp","localPort":22.0,
        "remotePort":27013,"foo":1,"transport":{"bandwidthLimit":"1MB"}}}"#;
    let stored = parse(text).unwrap();
    let expected = r#"{"name":"a","type":"tcp","tcp":{"name":"a","type":"tcp","transport":{"bandwidthLimit":"1MB"},"loadBalancer":{"group":""},"healthCheck":{"type":"","intervalSeconds":0},"localPort":22,"plugin":null,"remotePort":27013}}"#;
    assert_eq!(json(&stored), expected);
    let expected = r#"{"name":"a","type":"tcp","tcp":{"name":"a","type":"tcp","transport":{"bandwidthLimit":"1MB","bandwidthLimitMode":"client"},"loadBalancer":{"group":""},"healthCheck":{"type":"","intervalSeconds":0},"localIP":"127.0.0.1","localPort":22,"plugin":null,"remotePort":27013}}"#;
    assert_eq!(json(&stored.completed()), expected);
    let text = r#"{"name":"b","type":"http","http":{"localPort":22,"customDomains":["q"],
        "enabled":false,"requestHeaders":{"set":{"a":"b"}},"metadatas":{"m":"n"},
        "plugin":{"type":"static_file","localPath":"/x"},"healthCheck":{"type":"tcp"}}}"#;
    let off = parse(text).unwrap();
    let expected = r#"{"name":"b","type":"http","http":{"name":"b","type":"http","enabled":false,"transport":{"bandwidthLimit":""},"metadatas":{"m":"n"},"loadBalancer":{"group":""},"healthCheck":{"type":"tcp","intervalSeconds":0},"localPort":22,"plugin":{"type":"static_file","localPath":"/x"},"customDomains":["q"],"requestHeaders":{"set":{"a":"b"}},"responseHeaders":{}}}"#;
    assert_eq!(json(&off), expected);
    assert!(!off.is_enabled());
}

#[test]
fn entries_of_a_file_can_be_shown() {
    let text = "[[proxies]]\nname = \"h\"\ntype = \"http\"\ncustomDomains = [\"a.test\"]\n\
        [proxies.plugin]\ntype = \"https2http\"\nlocalAddr = \"127.0.0.1:80\"\n\
        [[visitors]]\nname = \"x\"\ntype = \"xtcp\"\nsecretKey = \"k\"\nserverName = \"s\"\n\
        bindPort = -1\n";
    let config = crate::parse_client(text, "f.toml", Strictness::Strict)
        .unwrap()
        .config;
    let written = config.definitions;
    let proxy = written
        .find(Defined::Proxy, "h")
        .unwrap()
        .clone()
        .completed();
    let expected = r#"{"name":"h","type":"http","http":{"name":"h","type":"http","transport":{"bandwidthLimit":"","bandwidthLimitMode":"client"},"loadBalancer":{"group":""},"healthCheck":{"type":"","intervalSeconds":0},"localIP":"127.0.0.1","plugin":{"type":"https2http","localAddr":"127.0.0.1:80","requestHeaders":{},"enableHTTP2":true},"customDomains":["a.test"],"requestHeaders":{},"responseHeaders":{}}}"#;
    assert_eq!(json(&proxy), expected);
    let visitor = written
        .find(Defined::Visitor, "x")
        .unwrap()
        .clone()
        .completed();
    let expected = r#"{"name":"x","type":"xtcp","xtcp":{"name":"x","type":"xtcp","transport":{},"secretKey":"k","serverName":"s","bindAddr":"127.0.0.1","bindPort":-1,"plugin":null,"protocol":"quic","maxRetriesAnHour":8,"minRetryInterval":90,"fallbackTimeoutMs":1000}}"#;
    assert_eq!(json(&visitor), expected);
    assert_eq!(format!("{visitor:?}"), "Definition(visitor xtcp \"x\")");
}

#[test]
fn what_is_no_definition_is_told_in_upstreams_words() {
    for text in ["", "{"] {
        assert!(error(text).starts_with("parse JSON error: "), "{text}");
    }
    assert!(error("[]").starts_with("parse JSON error: json: "));
    assert!(error(r#"{"name":1}"#).starts_with("parse JSON error: "));
    assert_eq!(error("null"), "proxy name is required");
    assert_eq!(
        error(r#"{"name":" ","type":"tcp"}"#),
        "proxy name is required"
    );
    assert_eq!(error(r#"{"name":"a"}"#), "invalid proxy type: ");
    let none = "exactly one proxy type block is required";
    assert_eq!(error(r#"{"name":"a","type":"tcp"}"#), none);
    assert_eq!(error(r#"{"name":"a","type":"tcp","tcp":null}"#), none);
    assert_eq!(
        error(r#"{"name":"a","type":"tcp","tcp":{},"udp":{}}"#),
        none
    );
    let other = "proxy type block \"udp\" does not match type \"tcp\"";
    assert_eq!(error(r#"{"name":"a","type":"tcp","udp":{}}"#), other);
    let wrong = error(r#"{"name":"a","type":"tcp","tcp":{"localPort":"x"}}"#);
    assert!(wrong.starts_with("parse JSON error: field"), "{wrong}");
    let wrong = error(r#"{"name":"a","type":"tcp","tcp":[]}"#);
    assert!(wrong.starts_with("parse JSON error: "), "{wrong}");
    let unit = r#"{"name":"a","type":"tcp","tcp":{"transport":{"bandwidthLimit":"1XB"}}}"#;
    assert!(error(unit).starts_with("parse JSON error: unit not support"));
    let asked = Definition::parse(Defined::Visitor, r#"{"name":"b","type":"stcp"}"#, Some("a"));
    let text = "visitor name in URL must match name in body";
    assert_eq!(asked.unwrap_err().to_string(), text);
}

#[test]
fn meaning_is_checked_also_of_what_is_disabled() {
    let definition =
        parse(r#"{"name":"a","type":"tcp","tcp":{"enabled":false,"localPort":70000}}"#);
    let error = definition.unwrap().check().unwrap_err().to_string();
    let text = "localPort: localPort: port number 70000 must be in the range 0..65535";
    assert!(error.starts_with(text), "{error}");
    parse(r#"{"name":"a","type":"tcp","tcp":{}}"#)
        .unwrap()
        .check()
        .unwrap();
}

#[test]
fn a_store_is_read_and_written() {
    let text = r#"{"other": 1, "proxies": [
        {"name": "a", "type": "tcp", "remotePort": 1, "unknown": 2},
        {"name": "b", "type": "tcp", "enabled": false}
    ], "visitors": [{"name": "v", "type": "stcp", "serverName": "s", "bindPort": -1}]}"#;
    let store = Definitions::parse_store(text).unwrap();
    let config = store.checked("store.json", "me", &[]).unwrap();
    let names: Vec<_> = config.proxies.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["a"]);
    assert_eq!(config.visitors[0].server_user, "me");
    let none = store
        .checked("store.json", "me", &["x".to_owned()])
        .unwrap();
    assert!(none.proxies.is_empty() && none.visitors.is_empty());
    let again = Definitions::parse_store(&json(&store)).unwrap();
    assert_eq!(json(&again), json(&store));
    assert_eq!(json(&Definitions::default()), "{}");
    for (text, start) in [
        ("{", "failed to parse JSON: "),
        ("[]", "failed to parse JSON: "),
        (
            r#"{"proxies":[{"type":"tcp"},{"type":"x"}]}"#,
            "failed to decode proxy at index 1: ",
        ),
        (
            r#"{"visitors":[1]}"#,
            "failed to decode visitor at index 0: ",
        ),
    ] {
        let error = Definitions::parse_store(text).unwrap_err().to_string();
        assert!(error.starts_with(start), "{error}");
    }
}

#[test]
fn what_takes_a_restart_is_named() {
    let parse = |text: &str| {
        let loaded = crate::parse_client(text, "f.toml", Strictness::Strict);
        loaded.unwrap().config
    };
    let running = parse("user = \"a\"\nstart = [\"p\"]");
    let new = "user = \"b\"\nlog.level = \"debug\"\ntransport.poolCount = 5\n[[proxies]]\n\
        name = \"p\"\ntype = \"tcp\"\n";
    let named = running.fixed_differences(&parse(new));
    assert_eq!(named, ["user", "log", "transport"]);
    assert!(running.fixed_differences(&running.clone()).is_empty());
}
