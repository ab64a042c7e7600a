//! What can go wrong with a proxy, sorted by whose fault it is.

use std::io;

/// Why a proxy could not be opened or a connection not be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// Our own rules say no; the text is upstream's and may be told to the client.
    #[error("{0}")]
    Refused(String),
    /// The other end spoke out of turn.
    #[error("{0}")]
    Peer(String),
    /// No work connection came in time, or the session behind the proxy is gone.
    #[error("{0}")]
    NoWorkConn(&'static str),
    /// The service behind the client could not be reached.
    #[error("connect to local service [{target}] error: {source}")]
    Local {
        /// Host and port, or the path of a socket.
        target: String,
        /// What the system said.
        source: io::Error,
    },
    /// The network or the system failed.
    #[error("{context}: {source}")]
    Io {
        /// What was being done.
        context: String,
        /// What the system said.
        source: io::Error,
    },
    /// A bug of ours; never the peer's doing.
    #[error("internal: {0}")]
    Internal(&'static str),
}

impl ProxyError {
    /// A refusal with upstream's text.
    pub fn refused(text: impl Into<String>) -> Self {
        Self::Refused(text.into())
    }

    /// An I/O failure while doing `context`.
    pub fn io(context: impl Into<String>, source: io::Error) -> Self {
        Self::Io {
            context: context.into(),
            source,
        }
    }
}
