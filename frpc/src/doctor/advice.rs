//! The lines for frpc.toml that make it go the way that was found to pass.

use std::fmt::Write as _;

use culvert_conf::{ClientConfig, Protocol};

use super::way::{Change, Rank, Way};

/// What to do with the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Advice {
    /// Nothing: it works as it is.
    Keep,
    /// These lines take the place of those with the same keys.
    Write(String),
}

/// The lines for `way`.
pub(super) fn advice(file: &ClientConfig, way: &Way) -> Advice {
    let finds_it = match file.transport.protocol {
        Protocol::Auto => way.rank != Rank::Guess,
        _ => way.rank == Rank::Wanted,
    };
    if finds_it && way.change == Change::Nothing {
        return Advice::Keep;
    }
    let mut lines = format!(
        "serverAddr = {}\nserverPort = {}\ntransport.protocol = {}\n",
        text(&file.server_addr),
        way.port,
        text(way.protocol.as_str())
    );
    let mut line = |key: &str, value: String| {
        let _infallible = writeln!(lines, "{key} = {value}");
    };
    match way.change {
        Change::Nothing => {}
        Change::Tls => line(
            "transport.tls.enable",
            file.transport.tls.enabled.is_none().to_string(),
        ),
        Change::Wire => line("transport.wireProtocol", text("v1")),
        Change::Mux => line(
            "transport.tcpMux",
            file.transport.tcp_mux.is_none().to_string(),
        ),
    }
    match (&way.proxy, &file.transport.proxy_url) {
        (Some(proxy), known) if known.as_ref() != Some(&proxy.url) => {
            let has_password = proxy.url.expose().contains('@');
            let shown = proxy.to_string();
            let shown = if has_password {
                shown.replacen("://", "://USER:PASSWORD@", 1)
            } else {
                shown
            };
            line("transport.proxyURL", text(&shown));
        }
        (None, Some(_)) if !way.is_udp() => {
            lines.push_str("# without transport.proxyURL and the variable http_proxy\n");
        }
        _ => {}
    }
    Advice::Write(lines)
}

/// A text as TOML has it, which is as JSON has it.
fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use culvert_conf::{Secret, Strictness, parse_client};

    use super::*;
    use crate::doctor::way::Proxy;

    fn way(protocol: Protocol, rank: Rank) -> Way {
        Way {
            protocol,
            port: 443,
            proxy: None,
            change: Change::Nothing,
            rank,
        }
    }

    fn file(text: &str) -> ClientConfig {
        let read = parse_client(text, "test.toml", Strictness::Strict);
        read.unwrap().config
    }

    #[test]
    fn what_works_stays() {
        let file = file("serverAddr = \"frps.example\"\nserverPort = 443\n");
        let kept = advice(&file, &way(Protocol::Tcp, Rank::Wanted));
        assert_eq!(kept, Advice::Keep);
    }

    #[test]
    fn the_lines_can_be_read_back() {
        let file = file("serverAddr = \"frps.example\"\nserverPort = 7000\n");
        let mut way = way(Protocol::Wss, Rank::Guess);
        way.proxy = Some(Proxy {
            url: Secret::new("http://u:S3CR3T@proxy:8080"),
            source: "HTTPS_PROXY",
        });
        way.change = Change::Mux;
        let Advice::Write(lines) = advice(&file, &way) else {
            panic!("nothing to write");
        };
        assert!(!lines.contains("S3CR3T"), "{lines}");
        let read = parse_client(&lines, "advice.toml", Strictness::Strict);
        let read = read.unwrap().config;
        assert_eq!(
            (read.server_addr.as_str(), read.server_port),
            ("frps.example", 443)
        );
        assert_eq!(read.transport.protocol, Protocol::Wss);
        assert!(read.transport.tcp_mux.is_none());
    }
}
