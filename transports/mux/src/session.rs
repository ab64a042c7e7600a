//! The handle of a session: open, accept, close.

use std::{fmt, sync::Arc, time::Duration};

use culvert_io::{Peer, Scope, Stream};
use tokio::time::Instant;

use crate::{
    MuxConfig, MuxError, MuxStream, Role,
    core::Core,
    driver::Driver,
    shared::{Inner, Shared},
};

/// One yamux session. Clones lead to the same session.
///
/// The session's task lives in the scope it was started in; when that stops, the session sends
/// what is queued and closes. Dropping the handles does not end streams; after the last handle
/// and the last stream the session closes itself.
#[derive(Clone)]
pub struct MuxSession {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
    peer: Peer,
}

impl MuxSession {
    /// Starts a session on `io`.
    ///
    /// Until [`authenticate`](Self::authenticate) is called, on either side, the limits for
    /// unknown peers hold.
    #[must_use]
    pub fn start(io: Stream, role: Role, config: MuxConfig, scope: &Scope) -> Self {
        let peer = *io.peer();
        let write_timeout = config.write_timeout;
        let core = Core::new(role, config, Instant::now());
        let shared = Arc::new(Shared::new(core, io, write_timeout));
        let driven = Arc::clone(&shared);
        scope
            .spawn_graceful(move |stop| Driver::new(driven, async move { stop.cancelled().await }));
        Self {
            handle: Arc::new(Handle { shared, peer }),
        }
    }

    /// Opens a stream. Does not wait for the peer's acknowledgement, unless as many opens as the
    /// backlog holds are without one.
    ///
    /// # Errors
    /// The session has ended, the peer takes no more streams, or the ids are used up.
    ///
    /// *Cancel safety*: safe; no stream is opened.
    pub async fn open(&self) -> Result<Stream, MuxError> {
        Ok(self.wrap(self.open_bare().await?))
    }

    /// As [`open`](Self::open), but the stream keeps its own type.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    ///
    /// *Cancel safety*: safe; no stream is opened.
    pub async fn open_bare(&self) -> Result<MuxStream, MuxError> {
        let mut waited = false;
        loop {
            let notified = self.handle.shared.slots.notified();
            let opened = self
                .handle
                .shared
                .with(|inner| inner.core.open(Instant::now()))?;
            if let Some(id) = opened {
                if waited {
                    // Two signals in a row may have woken only us.
                    self.handle.shared.slots.notify_one();
                }
                return Ok(self.stream(id));
            }
            notified.await;
            waited = true;
        }
    }

    /// The next stream that the peer opens; acknowledged as it is handed out, so accept promptly:
    /// frp's peers give up the whole session after 75 s.
    ///
    /// # Errors
    /// The session has ended.
    ///
    /// *Cancel safety*: safe; a stream is not lost.
    pub async fn accept(&self) -> Result<Stream, MuxError> {
        Ok(self.wrap(self.accept_bare().await?))
    }

    /// As [`accept`](Self::accept), but the stream keeps its own type.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    ///
    /// *Cancel safety*: safe; a stream is not lost.
    pub async fn accept_bare(&self) -> Result<MuxStream, MuxError> {
        let mut waited = false;
        loop {
            let notified = self.handle.shared.incoming.notified();
            let accepted = self.handle.shared.with(|inner| inner.core.accept())?;
            if let Some(id) = accepted {
                if waited {
                    // Two signals in a row may have woken only us.
                    self.handle.shared.incoming.notify_one();
                }
                return Ok(self.stream(id));
            }
            notified.await;
            waited = true;
        }
    }

    fn stream(&self, id: u32) -> MuxStream {
        MuxStream::new(Arc::clone(&self.handle.shared), id)
    }

    fn wrap(&self, stream: MuxStream) -> Stream {
        Stream::chunks(stream, self.handle.peer)
    }

    /// Sends what is queued, for at most the write timeout, and closes the transport. Streams end.
    ///
    /// *Cancel safety*: safe; the session closes all the same.
    pub async fn close(&self) {
        self.handle
            .shared
            .with(|inner| inner.fail(MuxError::Closed));
        self.closed().await;
    }

    /// Waits until the session is gone; answers why.
    ///
    /// *Cancel safety*: safe.
    pub async fn closed(&self) -> Arc<MuxError> {
        loop {
            let notified = self.handle.shared.gone.notified();
            let why = self.handle.shared.with(|inner| {
                let ended = inner.core.ended().map(Arc::clone);
                ended.filter(|_| inner.is_gone())
            });
            if let Some(why) = why {
                return why;
            }
            notified.await;
        }
    }

    /// Whether the session has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.handle
            .shared
            .with(|inner| inner.core.ended().is_some())
    }

    /// Lifts the limits for peers that have not logged in.
    pub fn authenticate(&self) {
        self.handle.shared.with(|inner| inner.core.authenticate());
    }

    /// How long the peer took to answer our last ping; `None` before the first answer. Pings leave
    /// at the keepalive interval only, and wait behind what is queued.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.handle.shared.with(|inner| inner.core.round_trip())
    }

    /// How often the transport yielded something from the peer.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.handle.shared.with(|inner| inner.core.received())
    }

    /// Where the session leads to.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        &self.handle.peer
    }

    /// How many streams are open on our side.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.handle.shared.with(|inner| inner.core.in_use())
    }

    /// How many streams we opened that the peer has not acknowledged.
    #[must_use]
    pub fn unacknowledged(&self) -> usize {
        self.handle.shared.with(|inner| inner.core.unacknowledged())
    }

    /// Bytes received that no stream has read yet.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.handle.shared.with(|inner| inner.core.buffered())
    }
}

impl fmt::Debug for MuxSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MuxSession")
            .field("peer", &self.handle.peer)
            .finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.with(Inner::orphan);
    }
}
