//! Split: many streams between the same two peers.

use std::{fmt, future::Future, time::Duration};

use culvert_io::{Scope, Stream};

use crate::Result;

/// A link that is split into streams.
pub trait Session: fmt::Debug + Send + Sync + 'static {
    /// Opens a stream to the peer.
    ///
    /// *Cancel safety*: safe; a half-open stream is closed.
    ///
    /// # Errors
    /// The session is over or the peer cannot be reached.
    fn open(&self) -> impl Future<Output = Result<Stream>> + Send;

    /// Takes the next stream that the peer opened.
    ///
    /// *Cancel safety*: safe; no stream is lost.
    ///
    /// # Errors
    /// [`Closed`](crate::TransportError::Closed) when the session is over.
    fn accept(&self) -> impl Future<Output = Result<Stream>> + Send;

    /// Ends the session and all its streams. `why` is for our log, not for the peer.
    ///
    /// *Cancel safety*: the session ends in any case.
    fn close(&self, why: &str) -> impl Future<Output = ()> + Send;

    /// Waits until the session is over, and says why.
    ///
    /// *Cancel safety*: safe.
    fn closed(&self) -> impl Future<Output = String> + Send;

    /// Says that the peer has proved who it is: limits for strangers may be lifted.
    fn authenticate(&self) {}

    /// How long the peer takes to answer, as measured last; `None` while nothing is known of it.
    fn round_trip(&self) -> Option<Duration> {
        None
    }
}

/// A way to split a pipe into streams.
pub trait Mux: fmt::Debug + Send + Sync + 'static {
    /// What a split pipe is.
    type Session: Session;

    /// Splits a pipe that we dialled; the driver task lives in `scope`.
    ///
    /// # Errors
    /// The settings do not fit.
    fn client(&self, io: Stream, scope: &Scope) -> Result<Self::Session>;

    /// Splits a pipe that we accepted; the driver task lives in `scope`.
    ///
    /// # Errors
    /// The settings do not fit.
    fn server(&self, io: Stream, scope: &Scope) -> Result<Self::Session>;
}
