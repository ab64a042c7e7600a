//! Errors in the words that operators of upstream search for, with what to do about them.

use std::io;

use culvert_transport::TransportError;

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

/// A name has no address.
pub(crate) fn lookup(host: &str, source: io::Error) -> TransportError {
    TransportError::Unreachable {
        what: format!("lookup {host}: the name has no usable address, check it and the resolver"),
        source,
    }
}
