//! Why a command of the project failed, in one sentence with the remedy.

use std::io;

pub(crate) type Result<T = ()> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A check found something, which it has printed or tells here.
    #[error("{0}")]
    Found(String),
    /// The system refused something.
    #[error("{what}: {source}")]
    Io {
        what: String,
        #[source]
        source: io::Error,
    },
    /// The test kit reports.
    #[error(transparent)]
    Kit(#[from] culvert_kit::Error),
}

impl Error {
    pub(crate) fn found(what: impl Into<String>) -> Self {
        Self::Found(what.into())
    }

    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
