//! Errors that name the program and what it said last.

use std::{io, path::Path};

use culvert_transport::TransportError;

/// The program is not there to carry anything.
pub(crate) fn down(program: &Path, why: &str) -> TransportError {
    TransportError::Unreachable {
        what: format!("transport program {}", program.display()),
        source: io::Error::other(why.to_owned()),
    }
}

/// The program runs, but its loopback address does not work.
pub(crate) fn loopback(program: &Path, source: io::Error) -> TransportError {
    TransportError::Unreachable {
        what: format!(
            "transport program {} said that it is ready, but cannot be reached on loopback",
            program.display()
        ),
        source,
    }
}
