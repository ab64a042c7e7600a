//! The server that visitors use now, whichever it is.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use culvert_io::{Scope, Stream};
use culvert_proxy::{BoxFuture, Control, ProxyError, Question, VisitorCx, VisitorStream};
use culvert_wire::msg::{NatHoleReport, NatHoleResp};
use parking_lot::Mutex;

use crate::session::Client;

/// Lends visitors the best server of now.
pub(crate) struct Best {
    client: Mutex<Weak<Client>>,
    user: String,
    users: Scope,
}

impl Best {
    /// No server yet.
    pub(crate) fn new(user: &str, users: &Scope) -> Self {
        Self {
            client: Mutex::default(),
            user: user.to_owned(),
            users: users.clone(),
        }
    }

    /// From now on it is this one.
    pub(crate) fn is(&self, client: &Arc<Client>) {
        *self.client.lock() = Arc::downgrade(client);
    }

    fn client(&self) -> Result<Arc<Client>, ProxyError> {
        let none = ProxyError::NoWorkConn("not logged in to the server");
        self.client.lock().upgrade().ok_or(none)
    }
}

impl VisitorCx for Best {
    fn open(&self) -> BoxFuture<'_, Result<VisitorStream, ProxyError>> {
        Box::pin(async move { self.client()?.open().await })
    }

    fn hand_over(&self, visitor: &str, user: Stream) -> Result<(), ProxyError> {
        self.client()?.hand_over(visitor, user)
    }

    fn user(&self) -> &str {
        &self.user
    }

    fn users(&self) -> &Scope {
        &self.users
    }
}

impl Control for Best {
    fn tell(&self, report: NatHoleReport) -> Result<(), ProxyError> {
        self.client()?.control().tell(report)
    }

    fn ask(&self, question: Question) -> BoxFuture<'_, Result<NatHoleResp, ProxyError>> {
        Box::pin(async move { self.client()?.control().ask(question).await })
    }
}

impl fmt::Debug for Best {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Best").finish_non_exhaustive()
    }
}
