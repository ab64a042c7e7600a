//! What an error of dialling shows, whichever transport it comes from: for those who name its
//! cause.

use std::{error::Error, io};

use culvert_tcp::{HeadError, ProxyError, ProxyFailed};
use culvert_tls::{CertificateFault, TlsError};
use culvert_transport::TransportError;

/// What came back from a server that was dialled, or from somebody in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Symptom {
    /// The name has no address, or no name server answers.
    NoName,
    /// The system knows no way to the address.
    NoRoute,
    /// The address says that nobody listens on the port.
    Refused,
    /// Nothing came back to the first packets.
    Silent,
    /// There was a connection, and then nothing came back.
    Stalled,
    /// The connection was torn down.
    Reset,
    /// The other end closed the connection in order, before it answered.
    Closed,
    /// The answer is none of the protocol that was spoken.
    Foreign,
    /// The answer to a request for a websocket is this status of HTTP.
    Http(u16),
    /// The server's certificate is not accepted by us.
    Certificate(CertificateFault),
    /// The server ended the handshake with an alert: our certificate, or the protocol within.
    Alert,
    /// The proxy that is dialled through is the reason.
    Proxy(ProxyFault),
    /// Nothing of these; the error's own words must do.
    Other,
}

/// What a proxy did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyFault {
    /// It cannot be reached.
    Unreachable,
    /// It takes the connection and answers nothing.
    Silent,
    /// It wants other credentials.
    Credentials,
    /// It refuses, in HTTP with this status.
    Refuses(Option<u16>),
    /// It does not speak what a proxy of its scheme speaks.
    Foreign,
}

impl Symptom {
    /// What `err` shows.
    #[must_use]
    pub fn of(err: &TransportError) -> Self {
        let mut causes =
            std::iter::successors(Some(err as &(dyn Error + 'static)), |&e| e.source());
        causes.find_map(of_one).unwrap_or(Self::Other)
    }
}

/// What one link of a chain of errors shows; `None` where those below must tell.
fn of_one(err: &(dyn Error + 'static)) -> Option<Symptom> {
    if let Some(err) = err.downcast_ref::<TransportError>() {
        return of_transport(err);
    }
    if let Some(failed) = err.downcast_ref::<ProxyFailed>() {
        return Some(Symptom::Proxy(of_proxy(&failed.source)));
    }
    if let Some(err) = err.downcast_ref::<TlsError>() {
        return of_tls(err);
    }
    if let Some(HeadError::Closed) = err.downcast_ref::<HeadError>() {
        return Some(Symptom::Closed);
    }
    if let Some(err) = err.downcast_ref::<io::Error>() {
        return of_io(err);
    }
    of_optional(err)
}

fn of_transport(err: &TransportError) -> Option<Symptom> {
    match err {
        TransportError::Timeout { what, .. } => Some(match what.as_str() {
            what if what.contains(THROUGH_PROXY) => Symptom::Proxy(ProxyFault::Silent),
            what if what.ends_with(LOOKING_UP) => Symptom::NoName,
            what if what.starts_with(DIALLING) => Symptom::Silent,
            _ => Symptom::Stalled,
        }),
        TransportError::Unreachable { what, .. } if what.starts_with(LOOKUP) => {
            Some(Symptom::NoName)
        }
        TransportError::Malformed(_) => Some(Symptom::Foreign),
        TransportError::Closed(_) => Some(Symptom::Closed),
        _ => None,
    }
}

/// How the dialling transports begin the text of a timeout before there is a connection.
const DIALLING: &str = "dial ";
/// How tcp ends it when a proxy is between.
const THROUGH_PROXY: &str = "no answer through the proxy";
/// How kcp ends it, which has nothing else to wait for.
const LOOKING_UP: &str = "looking the name up";
/// How every transport begins the text about a name without an address.
const LOOKUP: &str = "lookup ";

fn of_proxy(err: &ProxyError) -> ProxyFault {
    match err {
        ProxyError::Dial(_) => ProxyFault::Unreachable,
        ProxyError::Credentials | ProxyError::Ntlm(_) => ProxyFault::Credentials,
        ProxyError::Status(status) => ProxyFault::Refuses(Some(*status)),
        ProxyError::Reply(_) | ProxyError::Name | ProxyError::TooLong => ProxyFault::Refuses(None),
        ProxyError::Io(_) | ProxyError::Head(HeadError::Closed) => ProxyFault::Refuses(None),
        _ => ProxyFault::Foreign,
    }
}

fn of_tls(err: &TlsError) -> Option<Symptom> {
    match err {
        TlsError::Certificate(err) => Some(Symptom::Certificate(CertificateFault::of(err))),
        TlsError::Refused(_) => Some(Symptom::Alert),
        TlsError::Protocol(_) => Some(Symptom::Foreign),
        TlsError::Closed => Some(Symptom::Closed),
        _ => None,
    }
}

fn of_io(err: &io::Error) -> Option<Symptom> {
    use io::ErrorKind as Kind;
    match err.kind() {
        Kind::ConnectionRefused => Some(Symptom::Refused),
        Kind::NetworkUnreachable | Kind::HostUnreachable | Kind::AddrNotAvailable => {
            Some(Symptom::NoRoute)
        }
        Kind::ConnectionReset | Kind::ConnectionAborted => Some(Symptom::Reset),
        Kind::BrokenPipe | Kind::UnexpectedEof => Some(Symptom::Closed),
        Kind::TimedOut => Some(Symptom::Silent),
        Kind::InvalidData => Some(Symptom::Foreign),
        _ => None,
    }
}

/// What the transports say that this build may not have.
fn of_optional(err: &(dyn Error + 'static)) -> Option<Symptom> {
    #[cfg(feature = "websocket")]
    {
        use culvert_websocket::{HandshakeError, WebsocketError};
        if let Some(WebsocketError::Handshake(err)) = err.downcast_ref::<WebsocketError>() {
            return match err {
                HandshakeError::Status(status) => Some(Symptom::Http(*status)),
                HandshakeError::Malformed(_) | HandshakeError::Answer(_) => Some(Symptom::Foreign),
                _ => None,
            };
        }
    }
    #[cfg(feature = "quic")]
    if let Some(alert) = culvert_quic::alert(err) {
        let fault = CertificateFault::of_alert(alert.code).filter(|_| alert.ours);
        return Some(fault.map_or(Symptom::Alert, Symptom::Certificate));
    }
    #[cfg(not(any(feature = "quic", feature = "websocket")))]
    let _none = err;
    None
}

#[cfg(test)]
mod tests;
