use super::*;

fn parse(text: &str, name: &str) -> Result<Node, ConfigError> {
    super::parse(text, name, Role::Server, &Envs::default()).map(|parsed| parsed.tree)
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

#[test]
fn other_formats_are_named() {
    assert!(error("serverAddr: 127.0.0.1\nproxies:\n- name: a\n", "f").contains("YAML"));
    assert!(error("{\n  \"bindPort\": 7000\n}\n", "f").contains("JSON"));
    assert!(error("serverAddr: 1\n", "f.toml").contains("toml: line 1"));
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
    assert!(parse(&deep, "f").is_err());
    let dotted = format!("{}a = 1", "a.".repeat(50_000));
    drop(parse(&dotted, "f"));
    let header = format!("[{}a]\n", "a.".repeat(50_000));
    drop(parse(&header, "f"));
}
