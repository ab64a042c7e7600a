//! Why the server cannot be reached over a transport, by name: what an error means, how it is said
//! and what helps. Functions of errors, without I/O.

mod words;

use culvert_conf::Protocol;
use culvert_transport::{TransportError, report};
use culvert_transports::{CertificateFault, ProxyFault, Symptom};

use crate::LoginError;

/// The cause of a failure, as far as it can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The server's name has no address, or no name server answers.
    NoName,
    /// There is no route to the server's address.
    NoRoute,
    /// Nobody listens on the port.
    Refused,
    /// Packets are dropped on the way.
    Dropped,
    /// Somebody tears the connection down once it has seen how it begins.
    Reset,
    /// The other end takes the connection and closes it without an answer.
    Closed,
    /// The connection stands, and no answer comes over it.
    Stalled,
    /// The connection works, slower than a tunnel can use.
    Throttled,
    /// Another program answers; what it says it is.
    WrongProgram(String),
    /// A portal answers in place of the server; where it sends browsers to.
    Portal(String),
    /// Somebody else's certificate is shown in place of the server's; who issued it.
    Intercepted(String),
    /// The certificate's time is over, by our clock.
    Expired,
    /// The certificate's time has not begun, by our clock.
    NotYetValid,
    /// The certificate is for other names.
    WrongName,
    /// The certificate is not from the authority that is trusted.
    Untrusted,
    /// The certificate cannot be used for another reason.
    BadCertificate,
    /// The server ended the handshake: it wants a certificate of ours, or speaks something else.
    Alert,
    /// UDP does not get through, or nobody answers it.
    UdpBlocked,
    /// The machine answers UDP, but nobody listens on the port.
    UdpRefused,
    /// Small datagrams pass and large ones vanish.
    BlackHole,
    /// The proxy cannot be reached.
    ProxyUnreachable,
    /// The proxy wants other credentials.
    ProxyCredentials,
    /// The proxy refuses to connect us; its status in HTTP.
    ProxyRefuses(Option<u16>),
    /// The proxy holds back what passes, until there is more of it.
    ProxyBuffers,
    /// The proxy answers in no language that a proxy of its scheme has.
    ProxyForeign,
    /// Whoever answers does not take websockets; its status in HTTP.
    NoWebsocket(u16),
    /// The server speaks websocket, but not behind TLS.
    NoWss,
    /// The server does not take the token.
    Token,
    /// Our clock differs from that of others.
    Clock(Skew),
    /// The server is older than what it is asked for.
    ServerOld,
    /// The server refuses the login; its own words.
    LoginRefused(String),
    /// There is nothing to log in with; why.
    NoProof(String),
    /// None of these; the error's own words.
    Other(String),
}

/// How far our clock is from another one, in seconds; above 0, ours is ahead. 0 when only the fact
/// is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skew(pub i64);

impl Cause {
    /// Why dialling over `protocol` failed with this error.
    #[must_use]
    pub fn of_dial(protocol: &Protocol, err: &TransportError) -> Self {
        let is_udp = matches!(protocol, Protocol::Quic | Protocol::Kcp);
        match Symptom::of(err) {
            Symptom::NoName => Self::NoName,
            Symptom::NoRoute => Self::NoRoute,
            Symptom::Refused if is_udp => Self::UdpRefused,
            Symptom::Refused => Self::Refused,
            Symptom::Silent | Symptom::Stalled if is_udp => Self::UdpBlocked,
            Symptom::Silent => Self::Dropped,
            Symptom::Stalled => Self::Stalled,
            Symptom::Reset => Self::Reset,
            Symptom::Closed => Self::Closed,
            Symptom::Foreign => Self::WrongProgram(String::new()),
            Symptom::Http(status) => Self::of_status(status),
            Symptom::Certificate(fault) => Self::of_certificate(fault),
            Symptom::Alert => Self::Alert,
            Symptom::Proxy(fault) => Self::of_proxy(fault),
            _ => Self::Other(report(err)),
        }
    }

    /// Why logging in over `protocol` failed with this error.
    #[must_use]
    pub fn of_login(protocol: &Protocol, err: &LoginError) -> Self {
        match err {
            LoginError::Transport(err) => Self::of_dial(protocol, err),
            LoginError::Proof(err) => Self::NoProof(err.to_string()),
            LoginError::Refused(words) => Self::of_refusal(words),
            LoginError::NoWay(words) => Self::Other(words.clone()),
            LoginError::NoV2(_) => Self::ServerOld,
        }
    }

    /// What a server's refusal of a login means. Its words are upstream's (server/service.go,
    /// pkg/auth), whatever its release.
    #[must_use]
    pub fn of_refusal(words: &str) -> Self {
        let has = |any: &[&str]| any.iter().any(|part| words.contains(part));
        if has(&["token is expired", "issued in the future", "before the nbf"]) {
            return Self::Clock(Skew(0));
        }
        if has(&["token in login doesn't match", "authorization failed"]) {
            return Self::Token;
        }
        if has(&["upgrade your frp", "version of frp", "is too low"]) {
            return Self::ServerOld;
        }
        Self::LoginRefused(words.to_owned())
    }

    /// What it means that a request for a websocket was answered with this status.
    fn of_status(status: u16) -> Self {
        match status {
            // Portals send browsers elsewhere, or say that they are portals (RFC 6585, section 6).
            300..=399 | 511 => Self::Portal(String::new()),
            status => Self::NoWebsocket(status),
        }
    }

    const fn of_certificate(fault: CertificateFault) -> Self {
        match fault {
            CertificateFault::Expired => Self::Expired,
            CertificateFault::NotYetValid => Self::NotYetValid,
            CertificateFault::WrongName => Self::WrongName,
            CertificateFault::UnknownIssuer => Self::Untrusted,
            _ => Self::BadCertificate,
        }
    }

    const fn of_proxy(fault: ProxyFault) -> Self {
        match fault {
            ProxyFault::Credentials => Self::ProxyCredentials,
            ProxyFault::Refuses(status) => Self::ProxyRefuses(status),
            ProxyFault::Foreign => Self::ProxyForeign,
            _ => Self::ProxyUnreachable,
        }
    }
}

#[cfg(test)]
mod tests;
