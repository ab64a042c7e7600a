use super::lex::whole_number;
use super::*;

fn out(text: &str) -> String {
    match render(text, Functions::All, &envs()) {
        Ok(rendered) => rendered.text,
        Err(failed) => format!("template: frp:{}: {}", failed.line, failed.reason),
    }
}

fn envs() -> Rc<BTreeMap<String, String>> {
    let pairs = [("A", "1"), ("NAME", "web"), ("EMPTY", "")];
    Rc::new(pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).into())
}

/// The expected texts are what Go's text/template prints.
const TEXTS: &[(&str, &str)] = &[
    ("plain }} text", "plain }} text"),
    ("a {{ .Envs.NAME }} b", "a web b"),
    ("{{.Envs.NAME}}{{ .Envs.A}}", "web1"),
    ("{{ .Envs.MISSING }}", "<no value>"),
    ("{{ $.Envs.NAME }}", "web"),
    ("a \n {{- .Envs.A -}} \n b", "a1b"),
    ("a {{/* no */}} b", "a  b"),
    ("a {{- /* no */ -}} b", "ab"),
    ("{{ if .Envs.A }}y{{ else }}n{{ end }}", "y"),
    (
        "{{ if .Envs.EMPTY }}y{{ else if .Envs.NAME }}m{{ else }}n{{ end }}",
        "m",
    ),
    ("{{ if not .Envs.MISSING }}y{{ end }}", "y"),
    ("{{ with .Envs.NAME }}{{ . }}!{{ else }}n{{ end }}", "web!"),
    (
        "{{ with .Envs.NO }}x{{ else with .Envs.A }}{{ . }}{{ end }}",
        "1",
    ),
    (
        "{{ range parseNumberRange \"1-3,5\" }}[{{ . }}]{{ end }}",
        "[1][2][3][5]",
    ),
    (
        "{{ range $_, $v := parseNumberRangePair \"6000-6001\" \"7000,7002\" }}{{ $v.First }}:{{ $v.Second }} {{ end }}",
        "6000:7000 6001:7002 ",
    ),
    (
        "{{ range $i, $v := parseNumberRange `7,9` }}{{ $i }}={{ $v }};{{ end }}",
        "0=7;1=9;",
    ),
    (
        "{{ range $v := parseNumberRange `7,9` }}{{ $v }};{{ end }}",
        "7;9;",
    ),
    ("{{ range 3 }}{{ . }}{{ end }}", "012"),
    (
        "{{ range $i, $v := 5 }}{{ if eq $i 1 }}{{ continue }}{{ end }}{{ if eq $i 3 }}{{ break }}{{ end }}{{ $v }}{{ end }}",
        "02",
    ),
    ("{{ range .Envs.MISSING }}x{{ else }}none{{ end }}", "none"),
    (
        "{{ range $k, $v := .Envs }}{{ $k }}={{ $v }} {{ end }}",
        "A=1 EMPTY= NAME=web ",
    ),
    (
        "{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $x := 3 }}{{ end }}{{ $x }}",
        "2",
    ),
    ("{{ .Envs.NAME | printf \"%s-%s\" \"a\" }}", "a-web"),
    (
        "{{ printf \"%.2s|%5d|%-4d|%04d|%+d|%x|%q|%v%%\" .Envs.NAME 42 7 42 3 255 \"a\\n\" true }}",
        "we|   42|7   |0042|+3|ff|\"a\\n\"|true%",
    ),
    ("{{ printf \"%s\" .Envs.MISSING }}", "%!s(<nil>)"),
    ("{{ printf \"%d %s\" \"x\" }}", "%!d(string=x) %!s(MISSING)"),
    ("{{ printf \"%c\" 'a' }}{{ 'a' }}", "a97"),
    (
        "{{ print 1 2 \"a\" 3 }}|{{ println 1 \"a\" }}",
        "1 2a3|1 a\n",
    ),
    (
        "{{ len .Envs.NAME }}{{ len (parseNumberRange \"1-4\") }}",
        "34",
    ),
    (
        "{{ index .Envs \"NAME\" }}{{ index .Envs \"NO\" }}{{ index (parseNumberRange `5-9`) 2 }}",
        "web7",
    ),
    (
        "{{ eq .Envs.NAME \"x\" \"web\" }}{{ ne 1 2 }}{{ lt 1 2 }}{{ ge 2 2 }}{{ gt \"a\" \"b\" }}{{ le 1.5 2.5 }}",
        "truetruetruetruefalsetrue",
    ),
    (
        "{{ or .Envs.MISSING .Envs.NAME }}{{ and .Envs.A .Envs.EMPTY }}",
        "web",
    ),
    ("{{ or .Envs.MISSING \"dflt\" }}", "dflt"),
    ("{{ (index (parseNumberRangePair `1` `2`) 0).Second }}", "2"),
    (
        "{{ parseNumberRange `1-3` }}{{ index (parseNumberRangePair `1` `2`) 0 }}",
        "[1 2 3]{1 2}",
    ),
    (
        "{{ `a\"b` }}{{ \"\\u00e4\\x41\" }}{{ 0x10 }}{{ 1_000 }}{{ -5 }}",
        "a\"bäA161000-5",
    ),
    ("{{ .Envs.NAME | len | eq 3 }}", "true"),
    ("{{\n  .Envs.A\n}}", "1"),
];

#[test]
fn texts() {
    for (template, wanted) in TEXTS {
        assert_eq!(out(template), *wanted, "{template}");
    }
}

#[test]
fn errors_name_the_line() {
    for (template, wanted) in [
        ("{{ foo }}", "1: function \"foo\" not defined"),
        (
            "a\nb\n# {{ FRP_TOKEN }}",
            "3: function \"FRP_TOKEN\" not defined",
        ),
        ("\n{{ .Envs.A", "2: unclosed action"),
        ("{{ /* x", "1: unclosed comment"),
        ("{{ if true }}", "1: unexpected EOF"),
        ("{{ end }}", "1: unexpected {{end}}"),
        ("{{ else }}", "1: unexpected {{else}}"),
        ("{{ }}", "1: missing value for command"),
        ("{{ if }}{{ end }}", "1: missing value for if"),
        ("{{ $x }}", "1: undefined variable \"$x\""),
        ("{{ $x = 1 }}", "1: undefined variable \"$x\""),
        ("{{ break }}", "1: {{break}} outside {{range}}"),
        ("{{ \"a }}", "1: unterminated quoted string"),
        ("{{ (1 }}", "1: unclosed left paren"),
        ("{{ 1 ) }}", "1: unexpected \")\" in command"),
        ("{{ 1 | 2 }}", "1: non executable command in pipeline"),
        ("{{ .Envs.A 1 }}", "1: can't give argument to non-function"),
        (
            "{{ define \"x\" }}",
            "1: {{define}} is not supported, write the text where it belongs",
        ),
        (
            "{{ parseNumberRangePair \"1-2\" \"1\" }}",
            "1: executing \"frp\" at <parseNumberRangePair>: error calling parseNumberRangePair: first and second range numbers are not in pairs",
        ),
        (
            "{{ parseNumberRange \"3-1\" }}",
            "1: executing \"frp\" at <parseNumberRange>: error calling parseNumberRange: range number is invalid",
        ),
        (
            "{{ .Foo }}",
            "1: executing \"frp\" at <.Foo>: can't evaluate field Foo in type values",
        ),
        (
            "{{ range \"x\" }}{{ end }}",
            "1: range can't iterate over string",
        ),
    ] {
        assert_eq!(
            out(template),
            format!("template: frp:{wanted}"),
            "{template}"
        );
    }
}

#[test]
fn the_legacy_format_has_no_functions_for_ranges() {
    let failed = render("{{ parseNumberRange `1` }}", Functions::Language, &envs()).unwrap_err();
    assert_eq!(failed.reason, "function \"parseNumberRange\" not defined");
}

#[test]
fn bounds() {
    assert!(out(&"{{ if true }}".repeat(10_000)).contains("nested deeper"));
    assert!(out(&format!("{{{{ {}1 }}}}", "(".repeat(10_000))).contains("nested deeper"));
    assert!(out("{{ range 100000000000 }}{{ end }}").contains("steps"));
    assert!(out("{{ range 100000 }}{{ range 100000 }}{{ end }}{{ end }}").contains("steps"));
    assert!(out("{{ range 100000 }}{{ printf `%9999d` 1 }}{{ end }}").contains("grows beyond"));
    assert!(out("{{ parseNumberRange `1-9000000000000000000` }}").contains("more than"));
    assert!(out("{{ printf `%99999999999999999999d` 1 }}").contains("width"));
}

#[test]
fn lines_lead_back_to_the_template() {
    let text = "a\n{{ range 2 }}\nb\n{{ end }}\nc\n{{- /* x */ -}}\n\nd";
    let rendered = render(text, Functions::All, &envs()).unwrap();
    assert_eq!(rendered.text, "a\n\nb\n\nb\n\ncd");
    assert_eq!(
        (1..=7).map(|n| rendered.origin(n)).collect::<Vec<_>>(),
        [1, 2, 3, 2, 3, 4, 5]
    );
}

#[test]
fn whole_numbers() {
    for (text, wanted) in [
        ("10", Some(10)),
        ("0", Some(0)),
        ("-0x1F", Some(-31)),
        ("017", Some(15)),
        ("0b101", Some(5)),
        ("08", None),
        ("1 ; note", None),
        ("", None),
        ("-", None),
        ("--1", None),
        ("9223372036854775808", None),
    ] {
        assert_eq!(whole_number(text), wanted, "{text}");
    }
}
