//! Holds a session: while its control stream's path is bad, another is made before it breaks.

use std::{pin::pin, sync::Arc};

use culvert_io::Scope;
use culvert_transport::Framed;

use super::Tunnel;
use crate::{
    backoff::{Backoff, chance},
    paths::Advice,
    session::{End, LoggedIn, LoginError, Session, login_on},
};

/// The live session, and its control stream.
pub(crate) type Current = Option<(Arc<Session>, Framed)>;

impl Tunnel {
    /// Serves until the session is lost. When the control stream should have another path, a login
    /// with the same run id takes the session's place: the server ends the old control stream and
    /// leaves users' streams alone (protocol 3.3). The session of the moment stands in `current`.
    ///
    /// *Cancel safety*: safe; close the session in `current` then.
    pub(crate) async fn hold(&self, current: &mut Current, root: &Scope) -> End {
        loop {
            let Some((session, control)) = current.as_mut() else {
                return End::Closed;
            };
            match Box::pin(self.run_until_moved(session, control, root)).await {
                Ok(next) => {
                    tracing::info!("the session goes on over {}", next.session.rung());
                    let next = (Arc::new(next.session), next.control);
                    self.client.is_on(&next.0);
                    if let Some((before, _)) = current.replace(next) {
                        before.close().await;
                    }
                }
                Err(end) => return end,
            }
        }
    }

    /// Serves a session until it is lost, or another has taken its place.
    async fn run_until_moved(
        &self,
        session: &Arc<Session>,
        control: &mut Framed,
        root: &Scope,
    ) -> Result<LoggedIn, End> {
        let mut backoff = Backoff::default();
        let mut running = pin!(session.run(control));
        loop {
            let scope = self.client.bundle.scope();
            let advice = tokio::select! {
                end = &mut running => return Err(end),
                () = self.client.bundle.unwell() => None,
                advice = session.ways().control.advice(session.path(), scope) => Some(advice),
            };
            let mut login = pin!(self.follow(session, advice, root));
            let mut ended = None;
            let attempt = loop {
                tokio::select! {
                    biased;
                    attempt = &mut login => break attempt,
                    // The server ends it as soon as the other login is there, perhaps before the
                    // answer to that gets here.
                    end = &mut running, if ended.is_none() => ended = Some(end),
                }
            };
            match (attempt, ended) {
                (Ok(next), _) => return Ok(next),
                (Err(_), Some(end)) => return Err(end),
                (Err(err), None) => tracing::info!("no other link to the server yet: {err}"),
            }
            tokio::select! {
                end = &mut running => return Err(end),
                () = tokio::time::sleep(backoff.failed(chance())) => {}
            }
        }
    }

    /// Logs in where the session should move to.
    async fn follow(
        &self,
        session: &Session,
        advice: Option<Advice>,
        root: &Scope,
    ) -> Result<LoggedIn, LoginError> {
        let (run_id, scope) = (session.run_id(), root.child(self.span()));
        match advice {
            // The machine is elsewhere; the way may be as good as it was.
            None => self.login(run_id, None, &scope).await,
            Some(Advice {
                why,
                path: Some(path),
            }) => {
                let on = (path, why.to_string());
                login_on(&self.client, session.ways(), run_id, on, &scope).await
            }
            Some(Advice { why, path: None }) => {
                tracing::info!("{}: {why}", session.rung());
                self.client.bundle.doubt(session.rung());
                self.login(run_id, Some(session.rung()), &scope).await
            }
        }
    }
}
