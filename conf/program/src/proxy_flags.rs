//! The flags of a proxy, which frpc takes on its command line and the SSH gateway of frps in the
//! commands of its clients (upstream: pkg/config/flags.go).

use crate::{
    Flag,
    Takes::{List, Number, Pairs, Secret, Text},
};

/// Keys of the client: who it is.
pub const CLIENT: [Flag; 3] = [
    Flag::new(
        "token",
        "auth.token",
        Secret(""),
        "The secret that the server asks for",
    )
    .or('t'),
    Flag::new(
        "user",
        "user",
        Text(""),
        "Put before the proxy's name, with a dot",
    )
    .or('u'),
    Flag::new(
        "client-id",
        "clientID",
        Text(""),
        "What the dashboard calls this client",
    ),
];

/// Keys of every proxy.
pub const PROXY: [Flag; 3] = [
    Flag::new("proxy-name", "name", Text(""), "The name of the proxy").or('n'),
    Flag::new(
        "metadatas",
        "metadatas",
        Pairs,
        "Pairs for the server's plugins, such as key1=value1,key2=value2",
    ),
    Flag::new(
        "annotations",
        "annotations",
        Pairs,
        "Pairs for the dashboard, such as key1=value1,key2=value2",
    ),
];

const REMOTE_PORT: [Flag; 1] = [Flag::new(
    "remote-port",
    "remotePort",
    Number("0"),
    "The port of the server; 0 = one that the server chooses",
)
.or('r')];

const DOMAINS: [Flag; 2] = [
    Flag::new(
        "custom-domain",
        "customDomains",
        List,
        "The names of the site",
    )
    .or('d'),
    Flag::new(
        "sd",
        "subdomain",
        Text(""),
        "The name of the site under the server's subDomainHost",
    ),
];

const LOGIN: [Flag; 2] = [
    Flag::new(
        "http-user",
        "httpUser",
        Text(""),
        "The user that visitors must name",
    ),
    Flag::new(
        "http-pwd",
        "httpPassword",
        Secret(""),
        "The password of that user",
    ),
];

const HTTP: [Flag; 2] = [
    Flag::new(
        "locations",
        "locations",
        List,
        "The beginnings of the paths that are served",
    ),
    Flag::new(
        "host-header-rewrite",
        "hostHeaderRewrite",
        Text(""),
        "The Host header that the service sees",
    ),
];

const MUX: [Flag; 1] = [Flag::new(
    "mux",
    "multiplexer",
    Text(""),
    "How visitors are told apart: httpconnect",
)];

const SECRET: [Flag; 2] = [
    Flag::new(
        "sk",
        "secretKey",
        Secret(""),
        "The secret that visitors must know",
    ),
    Flag::new(
        "allow-users",
        "allowUsers",
        List,
        "The users that may visit; * = all",
    ),
];

/// Keys that only proxies of type `kind` have; `None` if there is no such type.
#[must_use]
pub const fn of_kind(kind: &str) -> Option<&'static [&'static [Flag]]> {
    Some(match kind.as_bytes() {
        b"tcp" | b"udp" => &[&REMOTE_PORT],
        b"http" => &[&DOMAINS, &HTTP, &LOGIN],
        b"https" => &[&DOMAINS],
        b"tcpmux" => &[&DOMAINS, &MUX, &LOGIN],
        b"stcp" | b"sudp" | b"xtcp" => &[&SECRET],
        _ => return None,
    })
}
