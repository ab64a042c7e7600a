//! Errors of quinn sorted by fault, in the words that operators search for.

use std::{fmt, io};

use culvert_tls::TlsError;
use culvert_transport::TransportError;
use quinn::{ConnectionError, ReadError, WriteError};

/// An alert of TLS that ended a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Its number (RFC 8446, section 6).
    pub code: u8,
    /// Whether our side sent it.
    pub ours: bool,
}

/// The codes of QUIC that carry an alert of TLS (RFC 9001, section 4.8).
const CRYPTO: std::ops::Range<u64> = 0x100..0x200;

/// The alert that `err` tells of, if it is an error of a connection and tells of one.
#[must_use]
pub fn alert(err: &(dyn std::error::Error + 'static)) -> Option<Alert> {
    let (code, ours) = match err.downcast_ref::<ConnectionError>()? {
        ConnectionError::TransportError(err) => (err.code, true),
        ConnectionError::ConnectionClosed(close) => (close.error_code, false),
        _ => return None,
    };
    let code = Some(u64::from(code)).filter(|code| CRYPTO.contains(code))?;
    let code = u8::try_from(code - CRYPTO.start).ok()?;
    Some(Alert { code, ours })
}

/// Certificates and names.
pub(crate) fn tls(err: TlsError) -> TransportError {
    layer("tls", err)
}

pub(crate) fn layer(
    layer: &'static str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> TransportError {
    TransportError::Layer {
        layer,
        source: Box::new(source),
    }
}

/// Listening at `at` failed.
pub(crate) fn listen(at: impl fmt::Display, source: io::Error) -> TransportError {
    let what = match source.kind() {
        io::ErrorKind::AddrInUse => format!(
            "listen udp {at}: bind: address already in use; stop the program that has the port, \
             or choose another one"
        ),
        io::ErrorKind::PermissionDenied => format!(
            "listen udp {at}: bind: permission denied; ports below 1024 need the right to bind \
             them, choose a higher one or grant it"
        ),
        io::ErrorKind::AddrNotAvailable => format!(
            "listen udp {at}: bind: cannot assign requested address; no interface of this host \
             has the address"
        ),
        _ => format!("listen udp {at}"),
    };
    TransportError::Unreachable { what, source }
}

/// Dialling `to` failed before a packet was sent.
pub(crate) fn dial(to: &dyn fmt::Display, source: io::Error) -> TransportError {
    TransportError::Unreachable {
        what: format!("dial quic {to}"),
        source,
    }
}

/// A handshake with `whom` failed.
pub(crate) fn handshake(whom: &dyn fmt::Display, err: ConnectionError) -> TransportError {
    match err {
        ConnectionError::TimedOut => TransportError::Unreachable {
            what: format!(
                "dial quic {whom}: no answer; does the server listen there, and does UDP get \
                 through"
            ),
            source: io::ErrorKind::TimedOut.into(),
        },
        other => layer("quic handshake", other),
    }
}

/// A session is over, or was broken.
pub(crate) fn session(err: ConnectionError) -> TransportError {
    match err {
        ConnectionError::TransportError(_)
        | ConnectionError::VersionMismatch
        | ConnectionError::CidsExhausted => layer("quic", err),
        ConnectionError::ConnectionClosed(_)
        | ConnectionError::ApplicationClosed(_)
        | ConnectionError::Reset
        | ConnectionError::TimedOut
        | ConnectionError::LocallyClosed => TransportError::Closed(why(&err)),
    }
}

/// Why a session is over, for the log.
pub(crate) fn why(err: &ConnectionError) -> String {
    match err {
        ConnectionError::LocallyClosed => "closed on our side".to_owned(),
        // What everybody sends at the end (protocol 2.5).
        ConnectionError::ApplicationClosed(close)
            if close.error_code.into_inner() == 0 && close.reason.is_empty() =>
        {
            "closed by the peer".to_owned()
        }
        ConnectionError::TimedOut => "no packet from the peer within the idle timeout".to_owned(),
        // A reason is the peer's bytes; they are quoted.
        ConnectionError::ApplicationClosed(close) => format!(
            "closed by the peer with code {}: {:?}",
            close.error_code,
            String::from_utf8_lossy(&close.reason)
        ),
        other => format!("{:?}", other.to_string()),
    }
}

/// Reading failed: the peer reset the stream, or the session is over.
pub(crate) fn read(err: ReadError) -> io::Error {
    match err {
        ReadError::Reset(_) => io::ErrorKind::ConnectionReset.into(),
        ReadError::ConnectionLost(err) => lost(&err),
        ReadError::ClosedStream => io::ErrorKind::NotConnected.into(),
        other => io::Error::other(other),
    }
}

/// Writing failed. A peer that has closed the stream stops it with code 0 (protocol 2.5); that is
/// a closed pipe, and no fault.
pub(crate) fn write(err: WriteError) -> io::Error {
    match err {
        WriteError::Stopped(_) | WriteError::ClosedStream => io::ErrorKind::BrokenPipe.into(),
        WriteError::ConnectionLost(err) => lost(&err),
        other @ WriteError::ZeroRttRejected => io::Error::other(other),
    }
}

fn lost(err: &ConnectionError) -> io::Error {
    let kind = match err {
        ConnectionError::TimedOut => io::ErrorKind::TimedOut,
        ConnectionError::LocallyClosed => io::ErrorKind::ConnectionAborted,
        _ => io::ErrorKind::ConnectionReset,
    };
    io::Error::new(kind, why(err))
}
