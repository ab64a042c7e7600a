//! The schema of both files as data, from the same lines that read them: for the documentation of
//! every key and for editors.

use std::ops::RangeInclusive;

use crate::decode::{self, Section, Shape};
use crate::raw::client::RawClient;
use crate::raw::server::RawServer;
use crate::sessions::Sessions;

/// One key.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its spelling; others that differ by case are read as well.
    pub name: &'static str,
    /// What it is for, what it is when it is not written, and what is special about it. May hold
    /// Markdown.
    pub doc: String,
    /// What may stand there.
    pub kind: Kind,
}

/// What may stand behind a key.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number, in a range if there is one.
    Whole(Option<RangeInclusive<i64>>),
    /// A whole number in this range, or this word.
    WholeOr(RangeInclusive<i64>, &'static str),
    /// A truth value.
    Flag,
    /// A list of such values.
    List(Box<Self>),
    /// Free keys with such values.
    Map(Box<Self>),
    /// A table with these keys.
    Table(Vec<Key>),
    /// A table whose `type` is one of these words, each with all of its keys.
    Typed(Vec<(&'static str, Vec<Key>)>),
    /// A table that belongs to somebody else, such as a transport of its own.
    Free,
}

/// The keys of the file of frps.
#[must_use]
pub fn server_keys() -> Vec<Key> {
    keys(&RawServer::keys(), "")
}

/// The keys of the file of frpc.
#[must_use]
pub fn client_keys() -> Vec<Key> {
    keys(&RawClient::keys(), "")
}

/// Texts of which only some mean anything, by their place in either file. What is empty has the
/// default, where that is among them.
const WORDS: &[(&str, &[&str])] = &[
    (
        "log.level",
        &["", "trace", "debug", "info", "warn", "error"],
    ),
    ("auth.method", &["", "token", "oidc"]),
    ("auth.additionalScopes", &["HeartBeats", "NewWorkConns"]),
    ("auth.tokenSource.type", &["file", "exec"]),
    ("auth.oidc.tokenSource.type", &["file", "exec"]),
    ("transport.wireProtocol", &["", "v1", "v2"]),
    (
        "transport.quic.congestion",
        &["", "cubic", "bbr", "newreno"],
    ),
    (
        "transport.auto.candidates",
        &["tcp", "kcp", "quic", "websocket", "wss"],
    ),
    (
        "serverPolicy",
        &["", "failover", "active-active", "latency"],
    ),
    ("vhostHTTPErrorMode", &["", "compatible", "precise"]),
    (
        "httpPlugins.ops",
        &[
            "Login",
            "NewProxy",
            "CloseProxy",
            "Ping",
            "NewWorkConn",
            "NewUserConn",
        ],
    ),
    (
        "proxies.transport.bandwidthLimitMode",
        &["", "client", "server"],
    ),
    ("proxies.transport.proxyProtocolVersion", &["", "v1", "v2"]),
    ("proxies.healthCheck.type", &["", "tcp", "http"]),
    ("proxies.multiplexer", &["httpconnect"]),
    ("visitors.protocol", &["", "quic", "kcp"]),
];

/// Numbers that are ports.
const PORTS: [&str; 15] = [
    "bindPort",
    "kcpBindPort",
    "quicBindPort",
    "vhostHTTPPort",
    "vhostHTTPSPort",
    "tcpmuxHTTPConnectPort",
    "webServer.port",
    "serverPort",
    "servers.port",
    "transport.workConnPort",
    "transport.auto.ports.tcp",
    "transport.auto.ports.kcp",
    "transport.auto.ports.quic",
    "transport.auto.ports.websocket",
    "transport.auto.ports.wss",
];

fn keys(raw: &[decode::Key], place: &str) -> Vec<Key> {
    let key = |key: &decode::Key| {
        let place = if place.is_empty() {
            key.name.to_owned()
        } else {
            format!("{place}.{}", key.name)
        };
        let lines = key.doc.lines().map(str::trim);
        Key {
            name: key.name,
            doc: lines.collect::<Vec<_>>().join(" ").trim().to_owned(),
            kind: kind((key.shape)(), &place),
        }
    };
    let mut all: Vec<Key> = raw.iter().map(key).collect();
    if place == "transport" {
        all.push(Key {
            name: "exec",
            doc: "The own keys of a transport that is a program.".to_owned(),
            kind: Kind::Free,
        });
    }
    all
}

fn kind(shape: Shape, place: &str) -> Kind {
    match shape {
        Shape::Text => match WORDS.iter().find(|(known, _)| *known == place) {
            Some((_, words)) => Kind::Word(words),
            None => Kind::Text,
        },
        Shape::Whole if PORTS.contains(&place) => Kind::Whole(Some(0..=i64::from(u16::MAX))),
        Shape::Whole => Kind::Whole(None),
        Shape::WholeOr(word) => Kind::WholeOr(0..=i64::from(Sessions::MOST), word),
        Shape::Flag => Kind::Flag,
        Shape::List(item) => Kind::List(Box::new(kind(*item, place))),
        Shape::Map(value) => Kind::Map(Box::new(kind(*value, place))),
        Shape::Table(inside) => Kind::Table(keys(&inside, place)),
        Shape::Typed(types) => {
            let types = types.into_iter();
            Kind::Typed(
                types
                    .map(|(name, inside)| (name, keys(&inside, place)))
                    .collect(),
            )
        }
        Shape::Free => Kind::Free,
    }
}
