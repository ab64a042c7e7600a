//! Why a session ended or refused.

use std::{io, sync::Arc};

/// Bytes that no correct peer sends; the session ends with go-away 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The first byte of a header was not 0.
    #[error("unknown version {0}")]
    Version(u8),
    /// The second byte of a header is none of the four types.
    #[error("unknown frame type {0}")]
    Type(u8),
    /// A stream was opened with an id that is in use.
    #[error("stream {0} opened twice")]
    DuplicateStream(u32),
    /// A stream was opened with an id of our own parity, or 0.
    #[error("stream {0} is not the peer's to open")]
    Parity(u32),
    /// More data than the window that was granted.
    #[error("stream {0} overran its window")]
    Window(u32),
    /// A stream was finished twice.
    #[error("stream {0} finished twice")]
    DoubleFin(u32),
}

/// Why a session ended, or why a stream could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MuxError {
    /// The peer broke the protocol.
    #[error("the peer broke the yamux protocol")]
    Protocol(#[from] ProtocolError),
    /// The peer went over a limit of ours before it logged in.
    #[error("the peer sent too much before login")]
    Prelogin,
    /// The peer asked for answers faster than it read them.
    #[error("the peer floods the session with control frames")]
    Flood,
    /// The peer sent go-away with this code; with 0 only new streams are refused.
    #[error("the peer sent go-away {0}")]
    GoAway(u32),
    /// The peer closed the connection, the normal end.
    #[error("the peer closed the connection")]
    Eof,
    /// A ping stayed unanswered.
    #[error("keepalive timed out")]
    KeepaliveTimeout,
    /// The transport took no bytes for too long.
    #[error("write timed out")]
    WriteTimeout,
    /// The peer did not acknowledge a stream.
    #[error("stream {0} was not acknowledged in time")]
    OpenTimeout(u32),
    /// The transport failed.
    #[error("transport failed")]
    Io(#[source] io::Error),
    /// We closed the session.
    #[error("the session is closed")]
    Closed,
    /// All stream ids of our side are used up; only a new session helps.
    #[error("out of stream ids")]
    Exhausted,
    /// The session has ended, for the reason inside.
    #[error("the session has ended")]
    Ended(#[source] Arc<Self>),
}

impl MuxError {
    /// Whether streams read an end of file (and not an error) after this: the peer or we closed
    /// the connection in the ordinary way.
    pub(crate) const fn is_clean(&self) -> bool {
        matches!(self, Self::Eof | Self::Closed)
    }

    fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Eof | Self::Closed => io::ErrorKind::BrokenPipe,
            Self::KeepaliveTimeout | Self::WriteTimeout | Self::OpenTimeout(_) => {
                io::ErrorKind::TimedOut
            }
            Self::Protocol(_) => io::ErrorKind::InvalidData,
            Self::Io(e) => e.kind(),
            Self::Ended(e) => e.kind(),
            Self::Prelogin | Self::Flood | Self::GoAway(_) | Self::Exhausted => {
                io::ErrorKind::ConnectionAborted
            }
        }
    }

    /// The error that a stream of an ended session reports.
    pub(crate) fn to_io(self: &Arc<Self>) -> io::Error {
        io::Error::new(self.kind(), Arc::clone(self))
    }
}
