//! The JSON Schemas say what the programs say.

use culvert_conf::schema::{Key, Kind, client_keys, server_keys};
use culvert_conf::{Strictness, parse_client, parse_server};
use jsonschema::Validator;
use serde_json::Value;

const FRPS: &str = include_str!("../frps.schema.json");
const FRPC: &str = include_str!("../frpc.schema.json");

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

fn validator(schema: &str) -> Result<Validator> {
    Ok(jsonschema::validator_for(&serde_json::from_str(schema)?)?)
}

#[test]
fn samples_fit() -> Result {
    for (schema, samples) in [
        (
            FRPS,
            [
                include_str!("../frps.toml"),
                include_str!("../frps_full_example.toml"),
            ],
        ),
        (
            FRPC,
            [
                include_str!("../frpc.toml"),
                include_str!("../frpc_full_example.toml"),
            ],
        ),
    ] {
        let validator = validator(schema)?;
        for sample in samples {
            let value = toml::from_str::<Value>(sample)?;
            let errors: Vec<_> = validator.iter_errors(&value).collect();
            assert!(errors.is_empty(), "{errors:#?}");
            assert!(sample.starts_with("#:schema ./frp"), "{sample}");
        }
    }
    Ok(())
}

/// Files of frpc, and whether they are right.
const CASES: [(&str, bool); 14] = [
    ("", true),
    ("serverAdr = \"a\"", false),
    ("serverPort = \"7000\"", false),
    ("transport.tls.enable = 1", false),
    ("transport.tls.enabled = true", false),
    ("metadatas.any = \"thing\"", true),
    ("featureGates.VirtualNet = true", true),
    (
        "[[proxies]]\nname = \"a\"\ntype = \"tcp\"\nremotePort = 1",
        true,
    ),
    (
        "[[proxies]]\nname = \"a\"\ntype = \"tcp\"\nsubdomain = \"s\"",
        false,
    ),
    (
        "[[proxies]]\nname = \"a\"\ntype = \"https\"\nsubdomain = \"s\"",
        true,
    ),
    ("[[proxies]]\nname = \"a\"\ntype = \"ftp\"", false),
    ("[[proxies]]\ntype = \"tcp\"", false),
    (
        "[[proxies]]\nname = \"a\"\ntype = \"tcp\"\nplugin.type = \"socks5\"",
        true,
    ),
    (
        "[[proxies]]\nname = \"a\"\ntype = \"tcp\"\nplugin = {type = \"socks5\", unixPath = \"/\"}",
        false,
    ),
];

#[test]
fn files_have_one_verdict() -> Result {
    let validator = validator(FRPC)?;
    for (text, right) in CASES {
        let accepted = validator.is_valid(&toml::from_str::<Value>(text)?);
        assert_eq!(accepted, right, "{text}");
        let ours = parse_client(text, "frpc.toml", Strictness::Strict).is_ok();
        assert_eq!(ours, right, "{text}");
    }
    Ok(())
}

/// Every place with only some words, with these words.
fn words(keys: &[Key], place: &str, all: &mut Vec<(String, &'static [&'static str])>) {
    for key in keys {
        let place = match place {
            "" => key.name.to_owned(),
            place => format!("{place}.{}", key.name),
        };
        let kind = match &key.kind {
            Kind::List(item) => item.as_ref(),
            kind => kind,
        };
        match kind {
            Kind::Word(words) => all.push((place, words)),
            Kind::Table(keys) => words(keys, &place, all),
            Kind::Typed(types) => types.iter().for_each(|(_, keys)| words(keys, &place, all)),
            _ => {}
        }
    }
}

/// A file with `word` at `place`, as right as it can be otherwise.
fn file(place: &str, word: &str) -> String {
    let quoted = format!("\"{word}\"");
    match place {
        "auth.additionalScopes" | "transport.auto.candidates" => format!("{place} = [{quoted}]"),
        "httpPlugins.ops" => format!("[[httpPlugins]]\nops = [{quoted}]"),
        "auth.tokenSource.type" | "auth.oidc.tokenSource.type" => {
            let table = place.trim_end_matches(".type");
            format!("{place} = {quoted}\n{table}.file.path = \"/t\"")
        }
        _ => match place.split_once('.') {
            Some(("proxies", rest)) => {
                let kind = if rest == "multiplexer" {
                    "tcpmux\"\nsubdomain = \"s"
                } else {
                    "tcp"
                };
                format!(
                    "[[proxies]]\nname = \"a\"\nlocalPort = 1\ntype = \"{kind}\"\n\
                     healthCheck.path = \"/\"\n{rest} = {quoted}"
                )
            }
            Some(("servers", rest)) => format!("[[servers]]\naddr = \"a\"\n{rest} = {quoted}"),
            Some(("visitors", rest)) => format!(
                "[[visitors]]\nname = \"a\"\ntype = \"xtcp\"\nserverName = \"s\"\n\
                 bindPort = 1\n{rest} = {quoted}"
            ),
            _ => format!("{place} = {quoted}"),
        },
    }
}

#[test]
fn words_are_those_of_the_programs() {
    let mut places = Vec::new();
    words(&server_keys(), "", &mut places);
    let server = places.len();
    words(&client_keys(), "", &mut places);
    for (index, (place, words)) in places.into_iter().enumerate() {
        for word in words.iter().copied().chain(["", "nonsense"]) {
            // A program instead of a file needs more.
            if word == "exec" || word == "oidc" {
                continue;
            }
            let text = file(&place, word);
            let error = if index < server {
                parse_server(&text, "s", Strictness::Strict)
                    .err()
                    .map(|e| e.to_string())
            } else {
                parse_client(&text, "c", Strictness::Strict)
                    .err()
                    .map(|e| e.to_string())
            };
            let right = words.contains(&word);
            assert_eq!(error.is_none(), right, "{text}: {error:?}");
        }
    }
}
