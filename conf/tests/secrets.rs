//! What is secret in a file is shown nowhere: not in the debug text of what was read, not in a
//! refusal.

use culvert_conf::{Strictness, parse_client, parse_server};

/// What stands for every secret. As a number it is of a wrong type for all of them.
const MARK: &str = "990099";

const SERVER: &str = r#"
webServer = { port = 7500, user = "u", password = MARK }
auth.token = MARK
"#;

const SERVER_SOURCE: &str = r#"
auth.tokenSource.type = "exec"
auth.tokenSource.exec = { command = "/bin/x", env = [{ name = "N", value = MARK }] }
"#;

const CLIENT: &str = r#"
webServer = { port = 7400, user = "u", password = MARK }
auth.method = "oidc"
auth.token = MARK
auth.oidc.clientID = "c"
auth.oidc.clientSecret = MARK
auth.oidc.tokenEndpointURL = "https://issuer.example/token"
auth.oidc.proxyURL = URL
transport.proxyURL = URL
[[proxies]]
name = "a"
type = "http"
customDomains = ["a.example"]
httpUser = "u"
httpPassword = MARK
loadBalancer = { group = "g", groupKey = MARK }
[[proxies]]
name = "b"
type = "stcp"
secretKey = MARK
[[proxies]]
name = "c"
type = "xtcp"
secretKey = MARK
[[proxies]]
name = "d"
type = "tcp"
plugin = { type = "http_proxy", httpUser = "u", httpPassword = MARK }
[[proxies]]
name = "e"
type = "tcp"
plugin = { type = "socks5", username = "u", password = MARK }
[[proxies]]
name = "f"
type = "tcp"
plugin = { type = "static_file", localPath = "/", httpUser = "u", httpPassword = MARK }
[[proxies]]
name = "g"
type = "tcpmux"
multiplexer = "httpconnect"
customDomains = ["a.example"]
httpUser = "u"
httpPassword = MARK
[[visitors]]
name = "h"
type = "xtcp"
serverName = "c"
bindPort = 9000
secretKey = MARK
[[servers]]
addr = "frp.example"
token = MARK
"#;

fn filled(text: &str, quote: &str) -> String {
    let url = format!("{quote}http://u:{MARK}@proxy.example:3128{quote}");
    let url = if quote.is_empty() { MARK } else { &url };
    text.replace("URL = URL", &format!("URL = {url}"))
        .replace("= MARK", &format!("= {quote}{MARK}{quote}"))
}

fn assert_hidden(said: &str) {
    let before = said.split_once(MARK).map(|(before, _)| before);
    assert!(before.is_none(), "shown after {before:?}");
}

#[test]
fn what_was_read_does_not_show_its_secrets() {
    let allowed = ["TokenSourceExec".to_owned()];
    let reading = culvert_conf::Reading {
        extensions: culvert_conf::Extensions {
            allow_unsafe: &allowed,
            ..Default::default()
        },
        ..Default::default()
    };
    for text in [SERVER, SERVER_SOURCE] {
        let read = parse_server(&filled(text, "\""), "s", reading).unwrap();
        assert_hidden(&format!("{read:?}"));
    }
    let read = parse_client(&filled(CLIENT, "\""), "c", reading).unwrap();
    assert_hidden(&format!("{read:?}"));
}

#[test]
fn a_refusal_does_not_show_the_secret_that_it_is_about() {
    for text in [SERVER, SERVER_SOURCE] {
        let text = filled(text, "");
        let wrong = parse_server(&text, "s", Strictness::Strict).unwrap_err();
        assert_hidden(&wrong.to_string());
        assert_hidden(&format!("{wrong:?}"));
    }
    let text = filled(CLIENT, "");
    let wrong = parse_client(&text, "c", Strictness::Strict).unwrap_err();
    let count = wrong.to_string().lines().count();
    assert_eq!(count, text.matches(MARK).count());
    assert_hidden(&wrong.to_string());
    assert_hidden(&format!("{wrong:?}"));
}

#[test]
fn a_text_that_cannot_be_read_is_not_repeated() {
    for text in [
        format!("auth.token = \"{MARK}\n"),
        format!("auth.token = {MARK}x\n"),
        format!("auth:\n  token: \"{MARK}\n"),
        format!("{{\"auth\": {{\"token\": \"{MARK}\"\n"),
        format!("auth.token = \"{{{{ {MARK} | nothing }}}}\"\n"),
    ] {
        for name in ["c.toml", "c.yaml", "c.json"] {
            let wrong = parse_client(&text, name, Strictness::Strict).unwrap_err();
            assert_hidden(&wrong.to_string());
        }
    }
}
