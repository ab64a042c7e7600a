//! Who is logged in, and which proxy names are taken.

use std::{collections::HashMap, sync::Arc, time::Duration};

use culvert_proxy::{Lease, ProxyError};
use culvert_wire::{ProxyName, RunId};
use parking_lot::Mutex;

use crate::session::Session;

/// How long a new login waits for the old session of the same run id to end. Ending is local
/// work (listeners close, names are freed), so this is only met by a bug.
const HANDOVER: Duration = Duration::from_secs(10);

/// Sessions by run id, and taken proxy names.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    sessions: Mutex<HashMap<RunId, Arc<Session>>>,
    names: Mutex<HashMap<ProxyName, RunId>>,
}

/// Why a session could not be entered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnterError {
    #[error("run id belongs to another user")]
    OtherUser,
    #[error("the previous session of this run id does not end")]
    Stuck,
}

impl Registry {
    /// Enters `new` under its run id, once an older session of that run id is gone with all its
    /// proxies, so that their names and ports are free (protocol 3.3, trap M15).
    ///
    /// *Cancel safety*: not entered when the future is dropped, but the older session has ended.
    pub(crate) async fn enter(&self, new: &Arc<Session>) -> Result<(), EnterError> {
        loop {
            let old = {
                let mut sessions = self.sessions.lock();
                match sessions.get(new.run_id()) {
                    None => {
                        sessions.insert(new.run_id().clone(), Arc::clone(new));
                        return Ok(());
                    }
                    Some(old) => Arc::clone(old),
                }
            };
            // A run id is a bearer secret, but whoever shows one must at least be the same user.
            if old.user() != new.user() {
                return Err(EnterError::OtherUser);
            }
            tracing::info!("replaced by client [{}]", new.run_id());
            old.retire();
            if tokio::time::timeout(HANDOVER, old.gone()).await.is_err() {
                return Err(EnterError::Stuck);
            }
        }
    }

    /// Takes a session out, if it is still the one of its run id.
    pub(crate) fn leave(&self, session: &Arc<Session>) {
        let mut sessions = self.sessions.lock();
        if sessions
            .get(session.run_id())
            .is_some_and(|s| Arc::ptr_eq(s, session))
        {
            sessions.remove(session.run_id());
        }
    }

    /// The session of a run id.
    pub(crate) fn get(&self, run_id: &RunId) -> Option<Arc<Session>> {
        self.sessions.lock().get(run_id).cloned()
    }

    /// Every session.
    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        self.sessions.lock().values().cloned().collect()
    }

    /// Takes a proxy name until the lease is dropped.
    pub(crate) fn claim(
        self: &Arc<Self>,
        name: &ProxyName,
        owner: &RunId,
    ) -> Result<Lease, ProxyError> {
        let mut names = self.names.lock();
        if names.contains_key(name) {
            return Err(ProxyError::refused(format!(
                "proxy [{name}] already exists"
            )));
        }
        names.insert(name.clone(), owner.clone());
        let (registry, name) = (Arc::clone(self), name.clone());
        Ok(Lease::new(move || {
            registry.names.lock().remove(&name);
        }))
    }
}
