//! Split: many streams between the same two peers.

use std::{fmt, future::Future, time::Duration};

use culvert_io::{Scope, Stream};

use crate::{Result, TransportError};

/// What has passed over a session so far, in the units of its transport: packets, or pieces that a
/// pipe yielded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// What came from the peer; grows with every sign of life.
    pub received: u64,
    /// What was sent; 0 where nobody counts.
    pub sent: u64,
    /// What of that was lost.
    pub lost: u64,
}

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

    /// The most bytes that a packet to the peer may have, as far as was found out; `None` where
    /// the system sees to that.
    fn path_mtu(&self) -> Option<u16> {
        None
    }

    /// What has passed so far; `None` if nobody counts.
    fn traffic(&self) -> Option<Traffic> {
        None
    }

    /// How many streams are open, whoever opened them; `None` if nobody counts.
    fn streams(&self) -> Option<usize> {
        None
    }

    /// Goes on from the address that the machine has now, with every stream. Answers when the peer
    /// answers there.
    ///
    /// *Cancel safety*: the session may have moved, and is as good as it can be.
    ///
    /// # Errors
    /// The session stays where it is, as most do, or the peer is silent after the move.
    fn migrate(&self) -> impl Future<Output = Result<()>> + Send {
        let stays = "the session is bound to the address that it was dialled from";
        std::future::ready(Err(TransportError::Refused(stays.to_owned())))
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
