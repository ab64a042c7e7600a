//! What can go wrong in a test's surroundings, said in one readable sentence.

use std::{fmt, io, time::Duration};

/// The outcome of a step of a test.
pub type Result<T = ()> = std::result::Result<T, Error>;

/// Why a step of a test failed.
///
/// `Debug` prints the same text as `Display`, because a test that returns this is reported by
/// its `Debug` form and the lines of a program's log should stay lines.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// An awaited event did not come.
    #[error("{what} did not happen within {deadline:?}{detail}")]
    Late {
        /// What was awaited.
        what: String,
        /// How long.
        deadline: Duration,
        /// The last thing seen, such as the end of a log; empty if nothing is known.
        detail: String,
    },
    /// Something happened, but not what the test wanted.
    #[error("{0}")]
    Wrong(String),
}

impl Error {
    /// An error of the system, for `map_err`: names what was tried.
    pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// A finding that the test did not want.
    pub fn wrong(what: impl Into<String>) -> Self {
        Self::Wrong(what.into())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
