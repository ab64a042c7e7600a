//! The tunnel to one server: who we are there, and the ways to it.

use std::sync::Arc;

use culvert_io::Scope;
use culvert_transport::TransportError;
use tokio::time::Instant;

use super::{places::Places, vitals::Sight};
use crate::{
    paths::{Ladder, Rung},
    session::{Client, LoggedIn, LoginError, login},
};

/// One server with all that belongs to it alone: proof, registrations, session.
#[derive(Debug)]
pub(crate) struct Tunnel {
    /// What the server is called; empty where it is the only one.
    pub(crate) name: String,
    pub(crate) client: Arc<Client>,
    pub(super) places: Places,
}

/// What log lines of the server of this name are under; nothing where it is the only one.
pub(super) fn span(name: &str) -> tracing::Span {
    if name.is_empty() {
        return tracing::Span::none();
    }
    tracing::error_span!("server", prefix = %name)
}

impl Tunnel {
    /// Connects and logs in at the first place of the server that works. `run_id` is that of the
    /// last session, or empty; `avoid` is the way that went bad.
    ///
    /// *Cancel safety*: the connection is closed.
    ///
    /// # Errors
    /// The server cannot be reached at any of its places, or refuses.
    pub(crate) async fn login(
        &self,
        run_id: &str,
        avoid: Option<&Rung>,
        scope: &Scope,
    ) -> Result<LoggedIn, LoginError> {
        let mut places = self.places.ways().await?.into_iter();
        loop {
            let Some(ways) = places.next() else {
                let text = "a server without a place".to_owned();
                return Err(TransportError::Internal(text).into());
            };
            match login(&self.client, &ways, run_id, avoid, scope).await {
                Err(err @ (LoginError::Transport(_) | LoginError::NoWay(_)))
                    if places.len() > 0 =>
                {
                    tracing::info!("connect to server error: {err}; trying its next place");
                }
                done => return done,
            }
        }
    }

    /// What knows the ways to the server: those of the session, or those that are tried first.
    pub(crate) fn ladder(&self) -> Option<Arc<Ladder>> {
        let session = self.client.session();
        let used = session.map(|session| session.ways().clone());
        let ways = used.or_else(|| self.places.known().into_iter().next())?;
        Some(ways.control)
    }

    /// What log lines of this server are under.
    pub(crate) fn span(&self) -> tracing::Span {
        span(&self.name)
    }

    /// What is known of the server at `now`.
    pub(super) fn sight(&self, now: Instant) -> Sight {
        self.client.vitals.sight(now)
    }
}
