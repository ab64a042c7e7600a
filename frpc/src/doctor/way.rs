//! Which ways to a server are tried: a transport, a port, a proxy.

use std::{fmt, time::Duration};

use culvert_conf::{
    AutoTransport, ClientConfig, ClientTlsOn, FreeTable, Protocol, Secret, TcpMux, WireVersion,
};

/// One way to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) protocol: Protocol,
    pub(super) port: u16,
    pub(super) proxy: Option<Proxy>,
    pub(super) change: Change,
    /// How much it matters.
    pub(super) rank: Rank,
}

/// Why a way is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rank {
    /// It is the one that the file asks for.
    Wanted,
    /// It is one that servers usually have.
    Usual,
    /// It is worth a word only if it passes.
    Guess,
}

/// What is other than in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Nothing,
    /// TLS is on where the file has it off, and the reverse.
    Tls,
    /// The same for `tcpMux`.
    Mux,
    /// `wireProtocol` is v1, which every server speaks.
    Wire,
}

/// A proxy to go through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proxy {
    pub(super) url: Secret,
    /// Who names it, such as `transport.proxyURL`.
    pub(super) source: &'static str,
}

/// The port of what browsers reach everywhere.
const HTTPS: u16 = 443;
const HTTP: u16 = 80;

/// The variables that name proxies and that frpc itself does not look at.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

impl Way {
    fn new(protocol: Protocol, port: u16, rank: Rank) -> Self {
        Self {
            protocol,
            port,
            proxy: None,
            change: Change::Nothing,
            rank,
        }
    }

    /// Whether it runs over UDP, and so past every proxy.
    pub(super) const fn is_udp(&self) -> bool {
        matches!(self.protocol, Protocol::Quic | Protocol::Kcp)
    }

    /// The file's configuration, changed so that it goes this way and nothing else.
    pub(super) fn config(&self, file: &ClientConfig, limit: Duration) -> ClientConfig {
        let mut config = file.clone();
        let transport = &mut config.transport;
        if transport.protocol != self.protocol {
            transport.own = FreeTable::default();
        }
        transport.protocol = self.protocol.clone();
        transport.proxy_url = self.proxy.as_ref().map(|proxy| proxy.url.clone());
        transport.dial_timeout = limit;
        transport.work_conns = None;
        transport.pool_count = 0;
        match self.change {
            Change::Nothing => {}
            Change::Tls => {
                let is_on = transport.tls.enabled.is_some();
                transport.tls.enabled = (!is_on).then(ClientTlsOn::default);
            }
            Change::Wire => transport.wire = WireVersion::V1,
            Change::Mux => {
                let interval = Duration::from_secs(30);
                let mux = TcpMux {
                    keepalive_interval: interval,
                };
                transport.tcp_mux = transport.tcp_mux.is_none().then_some(mux);
            }
        }
        config.server_port = self.port;
        // A name of a client is taken only once, and the real one may be running.
        config.client_id.clear();
        config
    }

    /// The same way with something changed, in case that helps.
    pub(super) fn changed(&self, change: Change) -> Self {
        Self {
            change,
            rank: Rank::Guess,
            ..self.clone()
        }
    }
}

/// The ways to try, with what the environment and this build offer.
pub(super) fn ways(
    config: &ClientConfig,
    names: &[&str],
    variable: impl Fn(&str) -> Option<String>,
) -> Vec<Way> {
    let transport = &config.transport;
    let main = config.server_port;
    let is_wanted = |protocol: &Protocol| *protocol == transport.protocol;
    let listed = |protocol: &Protocol| {
        let mut all = transport.auto.candidates.iter();
        let it = all.find(|candidate| candidate.protocol == *protocol);
        it.and_then(|candidate| candidate.port)
    };
    let mut ways = Vec::new();
    for protocol in known(names) {
        let rank = if is_wanted(&protocol) {
            Rank::Wanted
        } else {
            Rank::Usual
        };
        let port = match rank {
            Rank::Wanted => main,
            _ => listed(&protocol).unwrap_or(main),
        };
        let guess = match protocol {
            Protocol::Kcp => None,
            Protocol::Websocket => Some(HTTP),
            _ => Some(HTTPS),
        };
        ways.push(Way::new(protocol.clone(), port, rank));
        let other = guess.filter(|guess| *guess != port);
        ways.extend(other.map(|guess| Way::new(protocol, guess, Rank::Guess)));
    }
    if let Protocol::Other(_) = transport.protocol {
        ways.push(Way::new(transport.protocol.clone(), main, Rank::Wanted));
    }
    through_proxies(ways, &proxies(config, variable))
}

/// The transports that upstream has, as far as this build has them.
fn known(names: &[&str]) -> Vec<Protocol> {
    let all = [
        Protocol::Tcp,
        Protocol::Quic,
        Protocol::Wss,
        Protocol::Websocket,
        Protocol::Kcp,
    ];
    debug_assert_eq!(all.len(), AutoTransport::KNOWN.len());
    let is_here = |protocol: &Protocol| names.contains(&protocol.as_str());
    all.into_iter().filter(is_here).collect()
}

/// The proxy of the file, then those of the environment.
fn proxies(config: &ClientConfig, variable: impl Fn(&str) -> Option<String>) -> Vec<Proxy> {
    let mut all: Vec<Proxy> = Vec::new();
    if let Some(url) = &config.transport.proxy_url {
        let is_variable = variable("http_proxy").as_deref() == Some(url.expose());
        all.push(Proxy {
            url: url.clone(),
            source: if is_variable {
                "http_proxy"
            } else {
                "transport.proxyURL"
            },
        });
    }
    for source in VARIABLES {
        let url = variable(source).filter(|url| !url.is_empty());
        let Some(url) = url.map(Secret::new) else {
            continue;
        };
        if all.iter().all(|proxy| proxy.url != url) {
            all.push(Proxy { url, source });
        }
    }
    all
}

/// With a proxy in the file, what can go through it does, and the direct way is a guess; those of
/// the environment that frpc does not look at are guesses.
fn through_proxies(ways: Vec<Way>, proxies: &[Proxy]) -> Vec<Way> {
    let mut all = Vec::new();
    for way in ways {
        if way.is_udp() {
            all.push(way);
            continue;
        }
        let is_named = |proxy: &Proxy| !VARIABLES.contains(&proxy.source);
        let named = proxies.iter().any(is_named);
        for proxy in proxies {
            all.push(Way {
                proxy: Some(proxy.clone()),
                rank: if is_named(proxy) {
                    way.rank
                } else {
                    Rank::Guess
                },
                ..way.clone()
            });
        }
        let rank = if named { Rank::Guess } else { way.rank };
        all.push(Way { rank, ..way });
    }
    all
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} :{}", self.protocol.as_str(), self.port)?;
        match self.change {
            Change::Nothing => {}
            Change::Tls => f.write_str(", TLS changed")?,
            Change::Mux => f.write_str(", tcpMux changed")?,
            Change::Wire => f.write_str(", wire v1")?,
        }
        match &self.proxy {
            Some(proxy) => write!(f, " via {proxy}"),
            None => Ok(()),
        }
    }
}

/// Without its credentials.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.expose();
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
        write!(f, "{scheme}://{}", place.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use culvert_conf::{Strictness, parse_client};

    use super::*;

    fn shown(text: &str, environment: &[(&str, &str)]) -> Vec<(String, Rank)> {
        let config = parse_client(text, "test.toml", Strictness::Strict).unwrap();
        let variable = |name: &str| {
            let found = environment.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let names = ["tcp", "kcp", "quic", "websocket", "wss"];
        let ways = ways(&config.config, &names, variable);
        ways.iter().map(|way| (way.to_string(), way.rank)).collect()
    }

    #[test]
    fn every_transport_is_tried_and_the_ports_of_the_web_besides() {
        let ways = shown("serverPort = 7000\ntransport.protocol = \"quic\"", &[]);
        let expected = [
            ("tcp :7000", Rank::Usual),
            ("tcp :443", Rank::Guess),
            ("quic :7000", Rank::Wanted),
            ("quic :443", Rank::Guess),
            ("wss :7000", Rank::Usual),
            ("wss :443", Rank::Guess),
            ("websocket :7000", Rank::Usual),
            ("websocket :80", Rank::Guess),
            ("kcp :7000", Rank::Usual),
        ];
        let expected = expected.map(|(way, rank)| (way.to_owned(), rank));
        assert_eq!(ways, expected);
    }

    #[test]
    fn proxies_are_shown_without_passwords() {
        let ways = shown("transport.proxyURL = \"http://u:S3CR3T@proxy:8080/\"", &[]);
        assert_eq!(
            ways[0],
            ("tcp :7000 via http://proxy:8080".to_owned(), Rank::Wanted)
        );
        assert_eq!(ways[1], ("tcp :7000".to_owned(), Rank::Guess));
        assert!(!format!("{ways:?}").contains("S3CR3T"));
        let ways = shown("", &[("HTTPS_PROXY", "http://proxy:8080")]);
        assert_eq!(
            ways[0],
            ("tcp :7000 via http://proxy:8080".to_owned(), Rank::Guess)
        );
        assert_eq!(ways[1], ("tcp :7000".to_owned(), Rank::Wanted));
    }
}
