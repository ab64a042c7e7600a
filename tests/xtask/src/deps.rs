//! The arrows between the crates, and what may not stand in the repository.
//!
//! docs/ARCHITECTURE.md draws the arrows; this refuses a change that adds one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    cargo::{cargo, read},
    error::{Error, Result},
    out::say,
    tree,
};

/// Our crates that each of our crates may depend on outside its tests. A crate that is not listed
/// is an error: whoever adds one draws its arrows.
const ARROWS: &[(&str, &[&str])] = &[
    ("culvert-conf", &[]),
    (
        "culvert-program",
        &[
            "culvert-conf",
            "culvert-dashboard",
            "culvert-http",
            "culvert-io",
            "culvert-proxy",
            "culvert-tcp",
            "culvert-tls",
            "culvert-transport",
        ],
    ),
    ("culvert-io", &[]),
    ("culvert-wire", &[]),
    ("culvert-transport", &["culvert-io", "culvert-wire"]),
    (
        "culvert-tcp",
        &["culvert-io", "culvert-tls", "culvert-transport"],
    ),
    (
        "culvert-kcp",
        &["culvert-io", "culvert-tcp", "culvert-transport"],
    ),
    ("culvert-quic", OVER_TLS),
    ("culvert-websocket", OVER_TLS),
    ("culvert-tls", &["culvert-io", "culvert-transport"]),
    ("culvert-mux", &["culvert-io", "culvert-transport"]),
    ("culvert-exec", &["culvert-io", "culvert-transport"]),
    ("culvert-transports", TRANSPORTS),
    (
        "culvert-proxy",
        &["culvert-io", "culvert-transport", "culvert-wire"],
    ),
    (
        "culvert-http",
        &["culvert-io", "culvert-proxy", "culvert-wire"],
    ),
    ("culvert-dashboard", &["culvert-http"]),
    ("culvert-nathole", &["culvert-wire"]),
    ("culvert-plugins", PLUGINS),
    ("culvert-proxies", PROXIES),
    ("frps", PROGRAM),
    ("frpc", PROGRAM),
    ("culvert-kit", &[]),
    ("culvert-e2e", &["culvert-kit"]),
    (
        "culvert-perf",
        &[
            "culvert-conf",
            "culvert-io",
            "culvert-kit",
            "culvert-transport",
            "culvert-transports",
            "culvert-wire",
        ],
    ),
    ("culvert-bench", &[]),
    (
        "culvert-conformance",
        &[
            "culvert-io",
            "culvert-kit",
            "culvert-transport",
            "culvert-transports",
        ],
    ),
    // The worked example sees what an outsider sees.
    ("carrier", &["culvert-io", "culvert-transport"]),
    ("carrier-programs", &["carrier", "frpc", "frps"]),
    ("culvert-xtask", &["culvert-conf", "culvert-kit"]),
];

/// Transports that use what tcp knows of names and dials, and TLS.
const OVER_TLS: &[&str] = &[
    "culvert-io",
    "culvert-tcp",
    "culvert-tls",
    "culvert-transport",
];

/// The facade of `transports/`, which turns configuration into a stack of them.
const TRANSPORTS: &[&str] = &[
    "culvert-conf",
    "culvert-exec",
    "culvert-io",
    "culvert-kcp",
    "culvert-mux",
    "culvert-quic",
    "culvert-tcp",
    "culvert-tls",
    "culvert-transport",
    "culvert-websocket",
    "culvert-wire",
];

/// The services inside a client.
const PLUGINS: &[&str] = &[
    "culvert-conf",
    "culvert-http",
    "culvert-io",
    "culvert-proxy",
    "culvert-tls",
    "culvert-wire",
];

/// The facade of `proxies/`, which turns configuration into proxies.
const PROXIES: &[&str] = &[
    "culvert-conf",
    "culvert-http",
    "culvert-io",
    "culvert-nathole",
    "culvert-plugins",
    "culvert-proxy",
    "culvert-transport",
    "culvert-wire",
];

/// The programs compose; they may see every room.
const PROGRAM: &[&str] = &[
    "culvert-conf",
    "culvert-dashboard",
    "culvert-http",
    "culvert-io",
    "culvert-mux",
    "culvert-program",
    "culvert-proxies",
    "culvert-proxy",
    "culvert-tcp",
    "culvert-tls",
    "culvert-transport",
    "culvert-transports",
    "culvert-wire",
];

/// Others' crates that one of ours must not reach, at any depth.
const FENCES: &[(&str, &str)] = &[
    ("culvert-wire", "tokio"),
    ("culvert-wire", "mio"),
    ("culvert-conf", "tokio"),
    ("culvert-nathole", "tokio"),
    ("culvert-http", "rustls"),
    ("culvert-transports", "hyper"),
];

pub(crate) async fn check() -> Result {
    let mut found = arrows().await?;
    for (package, banned) in FENCES {
        found.extend(fence(package, banned).await?);
    }
    found.extend(words()?);
    for line in &found {
        say(line);
    }
    match found.len() {
        0 => Ok(()),
        n => Err(Error::found(format!(
            "{n} rules of docs/ARCHITECTURE.md are broken"
        ))),
    }
}

/// Compares the workspace's manifests with [`ARROWS`].
async fn arrows() -> Result<Vec<String>> {
    let args = ["metadata", "--no-deps", "--format-version=1"];
    let text = read("cargo metadata", &mut cargo(&args)).await?;
    let metadata: Value = serde_json::from_str(&text)
        .map_err(|e| Error::found(format!("cargo metadata gave no JSON: {e}")))?;
    let drawn: BTreeMap<_, _> = ARROWS.iter().copied().collect();
    let mut found = Vec::new();
    for package in list(&metadata, "packages") {
        let name = package
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let Some(allowed) = drawn.get(name) else {
            found.push(format!(
                "crate {name} is not drawn: add it to ARROWS in tests/xtask"
            ));
            continue;
        };
        let ours = list(package, "dependencies").filter_map(|d| arrow(d, &drawn));
        for to in ours.collect::<BTreeSet<_>>() {
            if !allowed.contains(&to) {
                found.push(format!("{name} must not depend on {to}"));
            }
        }
    }
    Ok(found)
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// The crate of ours that `dependency` names, unless only tests see it.
fn arrow<'a>(
    dependency: &'a Value,
    ours: &BTreeMap<&str, &'static [&'static str]>,
) -> Option<&'a str> {
    let name = dependency.get("name")?.as_str()?;
    let normal = dependency.get("kind").is_none_or(Value::is_null);
    (normal && ours.contains_key(name)).then_some(name)
}

/// Refuses `banned` anywhere below `package`.
async fn fence(package: &str, banned: &str) -> Result<Option<String>> {
    let args = [
        "tree",
        "--package",
        package,
        "--edges=normal",
        "--prefix=none",
        "--format={p}",
    ];
    let tree = read("cargo tree", &mut cargo(&args)).await?;
    let reached = tree
        .lines()
        .any(|line| line.split(' ').next() == Some(banned));
    Ok(reached.then(|| format!("{package} must not reach {banned}, at any depth")))
}

/// A word that stands where it must not: the word, the only places that may hold it, the reason.
struct Word {
    text: &'static str,
    sources_only: bool,
    allowed: &'static [&'static str],
    reason: &'static str,
}

/// Pieces are joined so that this file does not hold what it looks for.
const WORDS: &[Word] = &[
    Word {
        text: concat!("unsafe", " {"),
        sources_only: true,
        allowed: &["transports/io/"],
        reason: "unsafe code stays in culvert-io",
    },
    Word {
        text: concat!("unsafe", " fn"),
        sources_only: true,
        allowed: &["transports/io/"],
        reason: "unsafe code stays in culvert-io",
    },
    Word {
        text: concat!("tokio::", "spawn("),
        sources_only: true,
        allowed: &["transports/io/src/scope.rs"],
        reason: "spawn into a Scope, so that the task has an owner",
    },
    Word {
        text: concat!("task::", "spawn("),
        sources_only: true,
        allowed: &["transports/io/src/scope.rs"],
        reason: "spawn into a Scope, so that the task has an owner",
    },
    Word {
        text: concat!("unbounded", "_channel("),
        sources_only: true,
        allowed: &[],
        reason: "every queue has a bound with a reason",
    },
    Word {
        text: concat!("/ho", "me/"),
        sources_only: false,
        allowed: &[],
        reason: "a path of one machine",
    },
    Word {
        text: concat!("/wo", "rk/"),
        sources_only: false,
        allowed: &[],
        reason: "a path of one machine",
    },
    Word {
        text: concat!("/tm", "p/"),
        sources_only: false,
        allowed: &["conf/", ".gitignore"],
        reason: "a path of one machine",
    },
    Word {
        text: concat!("registry", "+http"),
        sources_only: false,
        allowed: &[],
        reason: "a registry other than the public one",
    },
];

/// What Cargo.lock says of every crate of the public registry.
const PUBLIC: &str = "https://github.com/rust-lang/crates.io-index";

fn words() -> Result<Vec<String>> {
    let mut found = Vec::new();
    for path in tree::files()? {
        let Ok(text) = tree::read(&path) else {
            continue; // not text
        };
        let name = path.to_string_lossy().replace('\\', "/");
        let source = name.ends_with(".rs");
        for word in WORDS.iter().filter(|w| source || !w.sources_only) {
            let allowed = word.allowed.iter().any(|place| name.starts_with(place));
            let lines = text
                .lines()
                .enumerate()
                .filter(|(_, line)| line.contains(word.text) && !line.contains(PUBLIC));
            for (n, _) in lines.filter(|_| !allowed) {
                let Word { text, reason, .. } = word;
                found.push(format!("{name}:{}: {text:?}: {reason}", n + 1));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_do_not_know_each_other() {
        let transports = [
            "io",
            "wire",
            "transport",
            "tcp",
            "tls",
            "mux",
            "quic",
            "kcp",
            "websocket",
            "exec",
            "transports",
        ];
        let proxies = ["proxy", "http", "plugins", "proxies"];
        // The facades read the configuration; what they are made of does not know it.
        let facades = ["transports", "proxies", "plugins"];
        for (from, to) in ARROWS {
            let room = from.strip_prefix("culvert-").unwrap_or_default();
            let part = |rooms: &[&str]| rooms.contains(&room);
            for to in *to {
                let target = to.strip_prefix("culvert-").unwrap_or_default();
                let up = part(&transports) && proxies.contains(&target);
                assert!(!up, "{from} -> {to}");
                let inner = (part(&transports) || part(&proxies)) && !part(&facades);
                assert!(!(inner && target == "conf"), "{from} -> {to}");
                // Worked examples are what an outsider builds: they extend a program.
                let program = ["frps", "frpc"].contains(to) && *from != "carrier-programs";
                assert!(!program, "{from} -> {to}");
            }
        }
    }

    #[test]
    fn only_normal_dependencies_are_arrows() {
        let drawn: BTreeMap<_, _> = ARROWS.iter().copied().collect();
        let normal = serde_json::json!({"name": "culvert-io", "kind": null});
        let dev = serde_json::json!({"name": "culvert-io", "kind": "dev"});
        assert_eq!(arrow(&normal, &drawn), Some("culvert-io"));
        assert_eq!(arrow(&dev, &drawn), None);
    }
}
