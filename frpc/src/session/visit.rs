//! What the client lends to its visitors: streams on the session of now.

use std::sync::{Arc, atomic::Ordering};

use culvert_io::{Scope, Stream};
use culvert_proxy::{BoxFuture, ProxyError, VisitorCx, VisitorStream};
use culvert_transport::{TransportError, report};

use super::{Client, Session};

impl Client {
    /// Notes the session of now.
    pub(crate) fn is_on(&self, session: &Arc<Session>) {
        *self.current.lock() = Arc::downgrade(session);
        self.was_online.store(true, Ordering::Relaxed);
    }

    /// The session of now.
    pub(crate) fn session(&self) -> Option<Arc<Session>> {
        let session = self.current.lock().upgrade();
        session.filter(|session| !session.scope.is_stopped())
    }

    /// Whether there ever was a session.
    pub(crate) fn was_online(&self) -> bool {
        self.was_online.load(Ordering::Relaxed)
    }
}

impl VisitorCx for Client {
    fn open(&self) -> BoxFuture<'_, Result<VisitorStream, ProxyError>> {
        Box::pin(async move {
            let Some(session) = self.session() else {
                return Err(ProxyError::NoWorkConn("not logged in to the server"));
            };
            let stream = self.bundle.open().await.map_err(failed)?;
            Ok(VisitorStream {
                stream,
                run_id: session.run_id.clone(),
                codec: self.codec(),
            })
        })
    }

    fn hand_over(&self, visitor: &str, user: Stream) -> Result<(), ProxyError> {
        self.visitors.hand_over(visitor, user)
    }

    fn user(&self) -> &str {
        &self.config.user
    }

    fn users(&self) -> &Scope {
        &self.users
    }
}

fn failed(error: TransportError) -> ProxyError {
    match error {
        TransportError::Io(source) => ProxyError::io("open a stream to the server", source),
        other => ProxyError::Peer(report(&other)),
    }
}
