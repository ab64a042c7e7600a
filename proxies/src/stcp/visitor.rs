//! The visitor: a TCP port of the client's that leads to the service.

use std::sync::Arc;

use culvert_conf::VisitorConfig;
use culvert_io::{Relaying, Scope, Stream, relay};
use culvert_proxy::{BoxFuture, ProxyError, Visitor, VisitorCx};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::visiting::{Entrance, SecretService};

/// A visitor of `type = "stcp"`.
#[derive(Debug)]
pub struct StcpVisitor {
    service: Arc<SecretService>,
    entrance: Entrance,
}

impl StcpVisitor {
    /// The visitor that was configured so.
    #[must_use]
    pub fn new(config: &VisitorConfig) -> Self {
        Self {
            service: Arc::new(SecretService::new(config)),
            entrance: Entrance::new(config),
        }
    }

    fn start(
        &self,
        user: Stream,
        cx: &Arc<dyn VisitorCx>,
        seat: OwnedSemaphorePermit,
        users: &Scope,
    ) {
        let (service, cx) = (Arc::clone(&self.service), Arc::clone(cx));
        users.spawn_graceful(|stop| serve(user, service, cx, seat, stop));
    }
}

impl Visitor for StcpVisitor {
    fn run<'a>(&'a self, cx: Arc<dyn VisitorCx>, scope: &'a Scope) -> BoxFuture<'a, ()> {
        let users = cx.users().child(scope.span().clone());
        let admit = async move {
            let start = |user, seat| self.start(user, &cx, seat, &users);
            self.entrance.admit(start).await;
        };
        Box::pin(admit.instrument(scope.span().clone()))
    }

    fn take(&self, user: Stream, cx: Arc<dyn VisitorCx>, scope: &Scope) -> Result<(), ProxyError> {
        let seat = self.entrance.seat()?;
        let users = cx.users().child(scope.span().clone());
        self.start(user, &cx, seat, &users);
        Ok(())
    }
}

/// Serves one user to the end. Told to stop, a waiting user is sent away; a served one goes on.
async fn serve(
    user: Stream,
    service: Arc<SecretService>,
    cx: Arc<dyn VisitorCx>,
    seat: OwnedSemaphorePermit,
    stop: CancellationToken,
) {
    let addr = user.peer().addr;
    let dialled = tokio::select! {
        biased;
        () = stop.cancelled() => return,
        dialled = service.dial(&*cx) => dialled,
    };
    drop((seat, cx));
    let work = match dialled {
        Ok((work, _codec)) => work,
        Err(error) => return tracing::warn!("no way to the service for user [{addr}]: {error}"),
    };
    let done = relay(user, work, &Relaying::default()).await;
    tracing::debug!("user [{addr}] done: {done}");
}
