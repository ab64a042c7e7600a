use super::*;

fn parse(text: &str, name: &str) -> Result<Node, ConfigError> {
    let envs = Envs::default();
    let text = Text {
        text,
        name,
        envs: &envs,
    };
    super::parse(text, Role::Server, false).map(|parsed| parsed.tree)
}

fn error(text: &str, name: &str) -> String {
    parse(text, name).unwrap_err().to_string()
}

#[test]
fn lines_of_keys_headers_and_array_items() {
    let text = "\tbindPort = 1\n\n[log]\nto = \"x\"\n[[proxies]]\nname = \"a\"\n[[proxies]]\n\
                name = \"b\"\ntransport.useEncryption = true\n[proxies.plugin]\ntype = \"socks5\"\n\
                [x]\nlist = [\n  1,\n  2,\n]\n";
    let tree = parse(text, "f").unwrap();
    for (path, line) in [
        ("bindPort", 1),
        ("BINDPORT", 1),
        ("log", 3),
        ("log.to", 4),
        ("log.level", 3),
        ("proxies[0]", 5),
        ("proxies[0].name", 6),
        ("proxies[1]", 7),
        ("proxies[1].transport.useEncryption", 9),
        ("proxies[1].plugin", 10),
        ("proxies[1].plugin.type", 11),
        ("proxies[1].healthCheck.path", 7),
        ("x.list[1]", 15),
        ("nothing", 1),
    ] {
        assert_eq!(tree.line_of(path), line, "{path}");
    }
}

#[test]
fn syntax_errors_name_line_and_column() {
    let text = error("a = 1\nb = @PORT@\n", "frps.toml");
    assert!(
        text.starts_with("frps.toml:2: toml: line 2, column 5: "),
        "{text}"
    );
    assert!(!text.contains('\n'), "{text}");
}

/// The same file in three formats is the same tree but for its lines.
#[test]
fn formats_are_told_by_content() {
    let toml = parse(
        "bindPort = 1\n[log]\nmaxDays = 2.5\n[[allowPorts]]\nsingle = 3\n",
        "f",
    );
    let json = parse(
        "{\n\"bindPort\": 1, \"log\": {\"maxDays\": 2.5, \"to\": null},\n\
         \"allowPorts\": [{\"single\": 3}]}\n",
        "f.yaml",
    );
    let yaml = parse(
        "bindPort: 1\nlog:\n  maxDays: 2.5\n  to: ~\nallowPorts:\n- single: 3\n",
        "f",
    );
    let plain = |tree: Result<Node, ConfigError>| {
        let mut tree = tree.unwrap();
        tree.map_lines(&|_| 0);
        tree
    };
    let toml = plain(toml);
    assert_eq!(toml, plain(json));
    assert_eq!(toml, plain(yaml));
    for empty in ["", "# only this\n", "{}", "---\n", "null"] {
        assert_eq!(
            parse(empty, "f").unwrap().value,
            Value::Table(Vec::new()),
            "{empty}"
        );
    }
}

#[test]
fn errors_are_those_of_the_format_that_was_meant() {
    for (text, name, wanted) in [
        ("serverAddr: 1\n", "f.toml", "f.toml:1: toml: line 1"),
        (
            "a: 1\n  b: 2\n",
            "f",
            "f:2: error converting YAML to JSON: yaml: line 2",
        ),
        (
            "a: &a 1\nb: *c\n",
            "f",
            "f:2: error converting YAML to JSON",
        ),
        (
            "{\n\"a\": }",
            "f",
            "f:2: json: line 2, column 6: invalid character looking for",
        ),
        ("{\"a\": 01}", "f", "invalid number"),
        ("{\"a\": \"\n\"}", "f", "invalid character in string"),
        ("{\"a\": 1", "f", "object key:value pair"),
        ("a = 1\nb = @x@\n", "f", "f:2: toml: line 2, column 5"),
        ("hello\n", "f", "f:1: toml: line 1"),
    ] {
        let found = error(text, name);
        assert!(found.contains(wanted), "{text}: {found}");
    }
}

#[test]
fn values_of_json() {
    let tree = parse(
        r#"{"a": "\u00e4\ud83d\ude00\ud800x\n", "b": -1e3, "c": 99999999999999999999, "a ": [true, null]} x"#,
        "f",
    )
    .unwrap();
    let value = |key: &str| tree.child(key).unwrap().value.clone();
    assert_eq!(value("a"), Value::String("ä😀\u{FFFD}x\n".to_owned()));
    assert_eq!(value("b"), Value::Float(-1000.0));
    assert_eq!(value("c"), Value::Huge("99999999999999999999".to_owned()));
    let twice = parse("{\"k\": 1,\n\"k\": 2}", "f").unwrap();
    assert_eq!(twice.child("k").unwrap().value, Value::Int(2));
    assert_eq!(twice.line_of("k"), 2);
}

#[test]
fn values_of_yaml() {
    for (text, wanted) in [
        ("on", Value::Bool(true)),
        ("n", Value::Bool(false)),
        ("0o17", Value::Int(15)),
        ("010", Value::Int(8)),
        ("1_0", Value::Int(10)),
        ("1e3", Value::Float(1000.0)),
        (".5", Value::Float(0.5)),
        ("2001-01-01", Value::String("2001-01-01".to_owned())),
        ("1.2.3.4", Value::String("1.2.3.4".to_owned())),
        ("'on'", Value::String("on".to_owned())),
        ("!!str 5", Value::String("5".to_owned())),
        (
            "99999999999999999999",
            Value::Huge("99999999999999999999".to_owned()),
        ),
    ] {
        let tree = parse(&format!("k: {text}\n"), "f").unwrap();
        assert_eq!(tree.child("k").unwrap().value, wanted, "{text}");
    }
}

#[test]
fn anchors_of_yaml() {
    let tree = parse(
        ".base: &base\n  x: 1\n  y: 2\nlist:\n- <<: *base\n  y: 3\n- *base\nk: 1\nk: 2\n",
        "f",
    )
    .unwrap();
    assert!(tree.child(".base").is_none());
    let Value::Array(items) = &tree.child("list").unwrap().value else {
        panic!()
    };
    assert_eq!(items[0].child("x").unwrap().value, Value::Int(1));
    assert_eq!(items[0].child("y").unwrap().value, Value::Int(3));
    assert_eq!(items[1].child("y").unwrap().value, Value::Int(2));
    assert_eq!(tree.child("k").unwrap().value, Value::Int(2));
    assert_eq!(tree.line_of("list[1]"), 7);
    let mut laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for n in 1..9 {
        let refs = vec![format!("*a{}", n - 1); 9].join(",");
        laughs.push_str(&format!("a{n}: &a{n} [{refs}]\n"));
    }
    assert!(error(&laughs, "f").contains("excessive aliasing"));
}

#[test]
fn templates_are_expanded_and_lines_stay() {
    let text = "# {{ .Envs.A }}\n{{ range parseNumberRange \"1-2\" }}\nk{{ . }} = {{ . }}\n\
                {{ end }}\nlast = \"{{ .Envs.A }}\"\n";
    let tree = parse(text, "f").unwrap();
    assert_eq!(tree.line_of("k1"), 3);
    assert_eq!(tree.line_of("k2"), 3);
    assert_eq!(tree.line_of("last"), 5);
    let last = tree.child("last").unwrap();
    assert_eq!(last.value, Value::String("<no value>".to_owned()));
    assert_eq!(
        error("\n# {{ b }}\n", "f"),
        "f:2: template: frp:2: function \"b\" not defined"
    );
}

#[test]
fn files_that_cannot_be_read() {
    let text = read(Path::new("no/such/file.toml"))
        .unwrap_err()
        .to_string();
    assert_eq!(
        text,
        "open no/such/file.toml: no such file or directory; name an existing file with -c"
    );
    let path = std::env::temp_dir().join(format!("culvert-conf-{}", std::process::id()));
    std::fs::write(&path, b"a = 1\nb = \"\xff\"\n").unwrap();
    let text = read(&path).unwrap_err().to_string();
    std::fs::remove_file(&path).unwrap();
    assert!(text.contains(":2: the text is not UTF-8"), "{text}");
}

#[test]
fn deep_nesting_is_an_error_and_no_crash() {
    let deep = format!("a = {}{}", "[".repeat(50_000), "]".repeat(50_000));
    let json = format!("{{\"a\": {}", "[".repeat(50_000));
    assert!(parse(&json, "f").is_err());
    for yaml in [
        "- ".repeat(50_000),
        format!("a: {}", "[".repeat(50_000)),
        "? ".repeat(50_000),
    ] {
        assert!(parse(&yaml, "f.yaml").is_err());
    }
    assert!(parse(&deep, "f").is_err());
    let dotted = format!("{}a = 1", "a.".repeat(50_000));
    drop(parse(&dotted, "f"));
    let header = format!("[{}a]\n", "a.".repeat(50_000));
    drop(parse(&header, "f"));
}
