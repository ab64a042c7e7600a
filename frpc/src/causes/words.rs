//! How a cause is called by programs, said to people, and what they can do.

use std::fmt;

use super::{Cause, Skew};

impl Cause {
    /// Its name for scripts; a name keeps its meaning.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NoName => "name-not-found",
            Self::NoRoute => "no-route",
            Self::Refused => "refused",
            Self::Dropped => "dropped",
            Self::Reset => "reset",
            Self::Closed => "closed",
            Self::Stalled => "no-answer",
            Self::Throttled => "throttled",
            Self::WrongProgram(_) => "wrong-program",
            Self::Portal(_) => "captive-portal",
            Self::Intercepted(_) => "tls-intercepted",
            Self::Expired => "certificate-expired",
            Self::NotYetValid => "certificate-not-yet-valid",
            Self::WrongName => "certificate-wrong-name",
            Self::Untrusted => "certificate-untrusted",
            Self::BadCertificate => "certificate-unusable",
            Self::Alert => "handshake-refused",
            Self::UdpBlocked => "udp-blocked",
            Self::UdpRefused => "udp-refused",
            Self::BlackHole => "mtu-black-hole",
            Self::ProxyUnreachable => "proxy-unreachable",
            Self::ProxyCredentials => "proxy-credentials",
            Self::ProxyRefuses(_) => "proxy-refuses",
            Self::ProxyBuffers => "proxy-buffers",
            Self::ProxyForeign => "proxy-wrong-program",
            Self::NoWebsocket(_) => "no-websocket",
            Self::NoWss => "no-wss",
            Self::Token => "token-wrong",
            Self::Clock(_) => "clock-wrong",
            Self::ServerOld => "server-too-old",
            Self::LoginRefused(_) => "login-refused",
            Self::NoProof(_) => "no-credentials",
            Self::Other(_) => "other",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::NoName => {
                "check serverAddr and the resolver; dnsServer asks another name server, an address \
                 in serverAddr asks none"
            }
            Self::NoRoute => "check the network of this machine: is it connected, has it a gateway",
            Self::Refused => "check serverPort, and that frps runs and listens on it",
            Self::Dropped => {
                "let the firewall pass the port, or use one that passes everywhere: \
                 transport.protocol = \"wss\" with serverPort = 443"
            }
            Self::Reset => {
                "a filter knows the protocol: use transport.protocol = \"wss\", which looks like \
                 the web, on port 443"
            }
            Self::Closed => {
                "transport.tls.enable and transport.tcpMux must fit those of the server, and \
                 serverPort must be its bindPort"
            }
            Self::Stalled => {
                "something on the way takes connections without passing them on, or serverPort is \
                 that of another program; look at its log, try another port"
            }
            Self::Throttled => {
                "use another transport or port; those named as passing are not slowed"
            }
            Self::WrongProgram(_) => "check serverAddr and serverPort: they must be those of frps",
            Self::Portal(_) => "open a browser, log in at the network's own page, and try again",
            Self::UdpBlocked => {
                "use a transport over TCP: tcp, wss or websocket; or let UDP pass to the port, \
                 where frps must have quicBindPort or kcpBindPort"
            }
            Self::UdpRefused => {
                "set quicBindPort or kcpBindPort of frps to this port, or use a transport over TCP"
            }
            Self::BlackHole => {
                "let ICMP pass, lower the MTU of the interface, or use transport.protocol = \"quic\", \
                 which finds out what passes"
            }
            Self::NoWebsocket(_) => {
                "a web server or proxy in front must pass upgrades on to the bindPort of frps"
            }
            Self::NoWss => {
                "upstream's frps takes no wss by itself: put a web server with TLS in front of its \
                 bindPort, or use tcp or websocket"
            }
            Self::Other(_) => "the log of frpc at log.level = \"debug\" tells more",
            other => other.remedy_above(),
        }
    }

    /// For what is above the network: certificates, proxies, logins.
    const fn remedy_above(&self) -> &'static str {
        match self {
            Self::Intercepted(_) => {
                "ask whoever runs this network to let the server pass unopened; a transport that \
                 is not opened, such as tcp or quic on another port, may pass"
            }
            Self::Expired => "renew the server's certificate; if it is newer, set this clock",
            Self::NotYetValid => {
                "set the clock of this machine, or of that where the certificate was made"
            }
            Self::WrongName => "set transport.tls.serverName to a name in the certificate",
            Self::Untrusted => {
                "set transport.tls.trustedCaFile to the authority of the server's certificate"
            }
            Self::BadCertificate => "make a new certificate for the server, such as frps init does",
            Self::Alert => {
                "the server may want a certificate: set transport.tls.certFile and keyFile"
            }
            Self::ProxyUnreachable => {
                "check transport.proxyURL, or the variable http_proxy, or remove it"
            }
            Self::ProxyCredentials => {
                "write user and password into transport.proxyURL: http://user:password@host:port"
            }
            Self::ProxyRefuses(_) => {
                "the proxy's rules must allow host and port of the server; many allow only 443"
            }
            Self::ProxyBuffers => {
                "use a proxy that passes CONNECT on unopened, or transport.protocol = \"wss\""
            }
            Self::ProxyForeign => "check scheme and port of transport.proxyURL",
            Self::Token => "auth.token must be the same in both files",
            Self::Clock(_) => "set the clock of this machine, or let NTP do it",
            Self::ServerOld => "set transport.wireProtocol = \"v1\", or update the server",
            Self::LoginRefused(_) => "the server's log tells more",
            Self::NoProof(_) => "check auth.tokenSource or auth.oidc",
            // Said above.
            _ => "",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongProgram(what) if !what.is_empty() => {
                write!(f, "another program answers there: {what}")
            }
            Self::Portal(to) if !to.is_empty() => write!(
                f,
                "a captive portal answers in place of the server and sends browsers to {to}"
            ),
            Self::Intercepted(issuer) => write!(
                f,
                "somebody opens TLS on the way and shows a certificate of {issuer}"
            ),
            Self::ProxyRefuses(Some(status)) => {
                write!(f, "the proxy refuses to connect (http status {status})")
            }
            Self::NoWebsocket(status) => write!(
                f,
                "a web server answers there that takes no websockets of frp (http status {status})"
            ),
            Self::Clock(skew) => skew.fmt(f),
            Self::LoginRefused(words) => write!(f, "the server refuses the login: {words}"),
            Self::NoProof(why) => write!(f, "there is nothing to log in with: {why}"),
            Self::Other(words) => f.write_str(words),
            fixed => f.write_str(fixed.sentence()),
        }
    }
}

impl Cause {
    /// Those that are always said in the same way.
    const fn sentence(&self) -> &'static str {
        match self {
            Self::NoName => "the server's name has no address here",
            Self::NoRoute => "there is no route to the server",
            Self::Refused => "nobody listens on the port",
            Self::Dropped => "a firewall drops the packets: no answer at all",
            Self::Reset => "the connection is reset once it says what it is",
            Self::Closed => "the other end closes the connection without an answer",
            Self::Stalled => "the connection stands, but nothing answers over it",
            Self::Throttled => "the connection is slowed to a crawl",
            Self::WrongProgram(_) => "another program answers there",
            Self::Portal(_) => "a captive portal answers in place of the server",
            Self::Expired => "the server's certificate has expired",
            Self::NotYetValid => "the server's certificate is not valid yet",
            Self::WrongName => "the server's certificate is for other names",
            Self::Untrusted => "the server's certificate is from no authority that is trusted",
            Self::BadCertificate => "the server's certificate cannot be used",
            Self::Alert => "the server ends the tls handshake",
            Self::UdpBlocked => "UDP is blocked on the way, or nobody answers it",
            Self::UdpRefused => "nobody listens on the UDP port",
            Self::BlackHole => "large packets vanish on the way (path MTU)",
            Self::ProxyUnreachable => "the proxy does not answer",
            Self::ProxyCredentials => "the proxy wants other credentials",
            Self::ProxyRefuses(_) => "the proxy refuses to connect",
            Self::ProxyBuffers => "the proxy holds back what passes through it",
            Self::ProxyForeign => "what answers at the proxy's address is no such proxy",
            Self::NoWss => "the server takes no wss on this port",
            Self::Token => "the server does not take this token",
            Self::ServerOld => "the server is too old for what it is asked",
            // Said with what they hold.
            Self::Intercepted(_)
            | Self::NoWebsocket(_)
            | Self::Clock(_)
            | Self::LoginRefused(_)
            | Self::NoProof(_)
            | Self::Other(_) => "",
        }
    }
}

impl fmt::Display for Skew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.unsigned_abs();
        let (count, unit) = match seconds {
            0 => return f.write_str("the clocks of both sides differ"),
            1..120 => (seconds, "seconds"),
            120..7200 => (seconds / 60, "minutes"),
            7200..172_800 => (seconds / 3600, "hours"),
            _ => (seconds / 86_400, "days"),
        };
        let side = if self.0 > 0 { "ahead" } else { "behind" };
        write!(f, "the clock of this machine is {count} {unit} {side}")
    }
}
