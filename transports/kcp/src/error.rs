//! Errors in the words that operators of upstream search for, with what to do about them.

use std::{io, net::SocketAddr};

use culvert_transport::TransportError;

/// Listening at `at` failed.
pub(crate) fn listen(at: SocketAddr, source: io::Error) -> TransportError {
    let hint = match source.kind() {
        io::ErrorKind::AddrInUse => {
            ": bind: address already in use; kcp needs a UDP port of its own, choose another one"
        }
        io::ErrorKind::PermissionDenied => {
            ": bind: permission denied; ports below 1024 need the right to bind them, choose a \
             higher one or grant it"
        }
        io::ErrorKind::AddrNotAvailable => {
            ": bind: cannot assign requested address; no interface of this host has the address"
        }
        _ => "",
    };
    let what = format!("listen udp {at}{hint}");
    TransportError::Unreachable { what, source }
}

/// Dialling `to` failed.
pub(crate) fn dial(to: &dyn std::fmt::Display, source: io::Error) -> TransportError {
    let what = format!("dial kcp {to}");
    TransportError::Unreachable { what, source }
}
