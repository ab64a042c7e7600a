//! What can go wrong between two peers, sorted by whose fault it is.

use std::{io, time::Duration};

/// An error of another crate, kept as a source.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The result of most operations of this crate.
pub type Result<T, E = TransportError> = std::result::Result<T, E>;

/// A failure to bind, dial, wrap, split or speak.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The peer sent bytes that mean nothing.
    #[error("malformed data from the peer")]
    Malformed(#[source] BoxError),
    /// Our policy forbids it; the text is safe to tell the peer.
    #[error("{0}")]
    Refused(String),
    /// The peer does something else than we expect, although its bytes are well formed.
    #[error("{0}")]
    Incompatible(String),
    /// The peer did not do `what` in time.
    #[error("timed out after {after:?}: {what}")]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long.
        after: Duration,
    },
    /// Nobody answers there, or we cannot listen there.
    #[error("{what}")]
    Unreachable {
        /// The attempt, with its target and, where there is one, its remedy.
        what: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The link under the messages failed.
    #[error("connection failed")]
    Io(#[from] io::Error),
    /// A layer around the stream failed; its own error says why.
    #[error("{layer} failed")]
    Layer {
        /// The layer, such as `tls`.
        layer: &'static str,
        /// Its error.
        #[source]
        source: BoxError,
    },
    /// The peer or we ended the session.
    #[error("session closed: {0}")]
    Closed(String),
    /// The configuration of a transport is wrong.
    #[error(transparent)]
    Options(#[from] crate::OptionsError),
    /// A mistake of ours.
    #[error("internal error: {0}")]
    Internal(String),
}

impl TransportError {
    /// What may be told to the peer: the full text only where it was written for the peer.
    #[must_use]
    pub fn public(&self) -> String {
        match self {
            Self::Refused(why) | Self::Incompatible(why) => why.clone(),
            Self::Malformed(_) => "malformed message".to_owned(),
            Self::Timeout { .. } => "timed out".to_owned(),
            _ => "internal error".to_owned(),
        }
    }
}

/// The error and all its sources on one line, joined by `: `, as an operator wants to read them.
#[must_use]
pub fn report(err: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(err), |e| e.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_walks_the_sources() {
        let err = TransportError::Unreachable {
            what: "dial tcp 127.0.0.1:1".to_owned(),
            source: io::Error::other("connection refused"),
        };
        assert_eq!(report(&err), "dial tcp 127.0.0.1:1: connection refused");
    }

    #[test]
    fn details_stay_at_home() {
        let err = TransportError::Internal("secret path".to_owned());
        assert_eq!(err.public(), "internal error");
    }
}
