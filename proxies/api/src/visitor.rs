//! The client's end of somebody's secret service: a visitor, and what the program lends it.

use std::{fmt, sync::Arc};

use culvert_io::{Scope, Stream};
use culvert_wire::Codec;

use crate::{BoxFuture, ProxyError};

/// A fresh stream to the server, on which the visitor speaks first.
#[derive(Debug)]
pub struct VisitorStream {
    /// The stream; nothing was written to it yet.
    pub stream: Stream,
    /// The id of the session that it belongs to.
    pub run_id: String,
    /// How messages on it are written: in the version of the session (protocol 3.8).
    pub codec: Codec,
}

/// What the client lends to its visitors. It outlives sessions.
pub trait VisitorCx: fmt::Debug + Send + Sync + 'static {
    /// Opens a stream to the server on the session of now; fails at once while there is none.
    ///
    /// *Cancel safety*: the stream is closed.
    fn open(&self) -> BoxFuture<'_, Result<VisitorStream, ProxyError>>;

    /// Gives a user to the visitor of this name, whose own way may be open.
    ///
    /// # Errors
    /// There is no such visitor, or it takes no users from others; the user is closed.
    fn hand_over(&self, visitor: &str, user: Stream) -> Result<(), ProxyError> {
        drop(user);
        // Upstream's words.
        Err(ProxyError::refused(format!(
            "visitor [{visitor}] not found"
        )))
    }

    /// Our own user; empty without one.
    fn user(&self) -> &str;

    /// Where the tasks of user connections belong (`spawn_graceful`): they are given time to end
    /// when the program stops.
    fn users(&self) -> &Scope;
}

/// One configured visitor: takes users here and brings them to the service.
pub trait Visitor: fmt::Debug + Send + Sync + 'static {
    /// Takes users until it is dropped, over all sessions. Further tasks live in `scope`, which
    /// ends with the visitor.
    ///
    /// *Cancel safety*: its sockets are closed; user connections go on.
    fn run<'a>(&'a self, cx: Arc<dyn VisitorCx>, scope: &'a Scope) -> BoxFuture<'a, ()>;

    /// Takes a user that another visitor found no way for (`fallbackTo`), and returns at once. Log
    /// lines of it stand under `scope`, the visitor's own.
    ///
    /// # Errors
    /// It takes no such users, or too many wait already; the user is closed.
    fn take(&self, user: Stream, cx: Arc<dyn VisitorCx>, scope: &Scope) -> Result<(), ProxyError> {
        let _ = (user, cx, scope);
        Err(ProxyError::refused("it takes no users from other visitors"))
    }
}

/// A visitor, shared by its tasks.
pub type BoxVisitor = Arc<dyn Visitor>;
