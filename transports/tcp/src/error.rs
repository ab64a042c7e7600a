//! Errors in the words that operators of upstream search for, with what to do about them.

use std::io;

use culvert_tls::TlsError;
use culvert_transport::TransportError;

use crate::{HeadError, NtlmError};

/// A proxy did not connect us. The proxy is named without its credentials.
#[derive(Debug, thiserror::Error)]
#[error("{proxy} (transport.proxyURL)")]
pub struct ProxyFailed {
    /// Scheme, host and port.
    pub proxy: String,
    /// Why.
    pub source: ProxyError,
}

/// Why a proxy did not connect us.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// The proxy itself cannot be reached.
    #[error("it cannot be reached, check the address or remove the key to connect directly")]
    Dial(#[source] Box<TransportError>),
    /// It wants credentials that we have not, or not those.
    #[error(
        "it wants other credentials, write the address as scheme://user:password@host:port (with \
         ntlm:// if it speaks NTLM)"
    )]
    Credentials,
    /// It answered CONNECT with something else than 200.
    #[error(
        "it answers http status {0} to CONNECT, its rules must allow this host and port of the \
         server"
    )]
    Status(u16),
    /// The head of its answer cannot be read.
    #[error("its answer cannot be read")]
    Head(#[from] HeadError),
    /// Its answer means nothing.
    #[error("its answer is no {0}, is that the right scheme and port")]
    Malformed(&'static str),
    /// SOCKS5 cannot carry the name.
    #[error("the server's name is too long for socks5")]
    Name,
    /// The user or the password is too long for SOCKS5.
    #[error("user and password have at most 255 bytes each in socks5")]
    TooLong,
    /// SOCKS5 refuses the connection.
    #[error("it cannot connect to the server: {0}")]
    Reply(&'static str),
    /// NTLM goes wrong.
    #[error("ntlm")]
    Ntlm(#[from] NtlmError),
    /// TLS to the proxy goes wrong.
    #[error("tls to the proxy")]
    Tls(#[from] TlsError),
    /// The connection failed.
    #[error("the connection to it failed")]
    Io(#[from] io::Error),
}

/// A name server did not help.
pub(crate) fn lookup_via(host: &str, server: &str, source: io::Error) -> TransportError {
    TransportError::Unreachable {
        what: format!("lookup {host} on {server} (dnsServer): check the name and the server"),
        source,
    }
}

/// Listening at `at` failed.
pub(crate) fn listen(at: &str, source: io::Error) -> TransportError {
    let what = match source.kind() {
        io::ErrorKind::AddrInUse => format!(
            "listen tcp {at}: bind: address already in use; stop the program that has the port, \
             or choose another one"
        ),
        io::ErrorKind::PermissionDenied => format!(
            "listen tcp {at}: bind: permission denied; ports below 1024 need the right to bind \
             them, choose a higher one or grant it"
        ),
        io::ErrorKind::AddrNotAvailable => format!(
            "listen tcp {at}: bind: cannot assign requested address; no interface of this host \
             has the address"
        ),
        _ => format!("listen tcp {at}"),
    };
    TransportError::Unreachable { what, source }
}

/// Dialling `to` failed at every address.
pub(crate) fn dial(to: &dyn std::fmt::Display, source: io::Error) -> TransportError {
    let hint = match source.kind() {
        io::ErrorKind::ConnectionRefused => "; is the server running on that port",
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            "; there is no route to it"
        }
        _ => "",
    };
    TransportError::Unreachable {
        what: format!("dial tcp {to}{hint}"),
        source,
    }
}

/// A name has no services.
pub(crate) fn services(name: &str, source: io::Error) -> TransportError {
    TransportError::Unreachable {
        what: format!("lookup SRV {name}: check servers.srv and the records of its domain"),
        source,
    }
}

/// A name has no address.
pub(crate) fn lookup(host: &str, source: io::Error) -> TransportError {
    TransportError::Unreachable {
        what: format!("lookup {host}: the name has no usable address, check it and the resolver"),
        source,
    }
}
