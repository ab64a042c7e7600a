use crate::decode::{Key, Section};
use crate::raw::client::RawClient;
use crate::raw::server::RawServer;
use crate::{Strictness, parse_client, parse_server};

const FRPS: &str = include_str!("../../frps.toml");
const FRPC: &str = include_str!("../../frpc.toml");
const FRPS_FULL: &str = include_str!("../../frps_full_example.toml");
const FRPC_FULL: &str = include_str!("../../frpc_full_example.toml");

/// Whether a key stands in the sample, in a line that is on or switched off (`#key = value`).
fn mentions(text: &str, key: &str) -> bool {
    let words = |line: &str| -> Vec<String> {
        line.split(|c: char| !c.is_ascii_alphanumeric())
            .map(str::to_owned)
            .collect()
    };
    text.lines()
        .map(|line| {
            line.strip_prefix('#')
                .filter(|rest| !rest.starts_with(' '))
                .unwrap_or(line)
        })
        .filter(|line| !line.starts_with("# "))
        .any(|line| words(line).iter().any(|word| word == key))
}

fn leaves(keys: &[Key], prefix: &str, all: &mut Vec<String>) {
    for key in keys {
        let path = format!("{prefix}{}", key.name);
        match key.inside() {
            Some(inside) => leaves(&inside, &format!("{path}."), all),
            None => all.push(path),
        }
    }
}

fn assert_complete(text: &str, keys: &[Key]) {
    let mut all = Vec::new();
    leaves(keys, "", &mut all);
    assert!(all.len() > 50);
    let absent: Vec<_> = all
        .iter()
        .filter(|path| !path.split('.').all(|key| mentions(text, key)))
        .collect();
    assert!(absent.is_empty(), "not mentioned: {absent:?}");
}

#[test]
fn full_examples_mention_every_key() {
    assert_complete(FRPS_FULL, &RawServer::keys());
    assert_complete(FRPC_FULL, &RawClient::keys());
}

#[test]
fn samples_are_right() {
    for text in [FRPS, FRPS_FULL] {
        parse_server(text, "frps.toml", Strictness::Strict).unwrap();
    }
    for text in [FRPC, FRPC_FULL] {
        parse_client(text, "frpc.toml", Strictness::Strict).unwrap();
    }
}

#[test]
fn the_small_samples_belong_together_and_warn_of_their_token() {
    let server = parse_server(FRPS, "frps.toml", Strictness::Strict).unwrap();
    let client = parse_client(FRPC, "frpc.toml", Strictness::Strict).unwrap();
    assert_eq!(server.config.bind_port, client.config.server_port);
    assert_eq!(server.warnings.len(), 1);
    assert_eq!(client.warnings.len(), 1);
    assert!(
        client.warnings[0]
            .to_string()
            .starts_with("auth.token is the one of the sample")
    );
    let names: Vec<_> = client
        .config
        .proxies
        .iter()
        .map(|p| (&*p.name, p.kind_name()))
        .collect();
    assert_eq!(names, [("tcp", "tcp"), ("web", "http")]);
}

#[test]
fn switched_off_lines_of_the_full_examples_are_right_too() {
    // Keys that exclude what is on in the sample.
    let excluded = ["tokenSource", "includes", "servers = "];
    for (text, server) in [(FRPS_FULL, true), (FRPC_FULL, false)] {
        let on: String = text
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(rest)
                    if !rest.starts_with([' ', ':'])
                        && !excluded.iter().any(|key| rest.contains(key)) =>
                {
                    format!("{rest}\n")
                }
                _ => format!("{line}\n"),
            })
            .collect();
        if server {
            parse_server(&on, "f", Strictness::Strict).unwrap();
        } else {
            parse_client(&on, "f", Strictness::Strict).unwrap();
        }
    }
}
