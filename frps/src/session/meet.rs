//! Peers that want to meet without us in between: we only tell each where the other is
//! (protocol 6.1).

use std::{future::Future, sync::Arc};

use culvert_wire::msg::{NatHoleClient, NatHoleResp, NatHoleVisitor};

use super::Session;

/// Meetings that one client may be asked for, or ask for, at a time; each is over in some seconds.
pub(super) const MEETINGS: usize = 64;

impl Session {
    /// A visitor asks for the way to a proxy.
    pub(super) fn visitor_asks(self: &Arc<Self>, ask: NatHoleVisitor) {
        let session = Arc::clone(self);
        self.answer_later(async move {
            let meetings = &session.server.meetings;
            meetings.visitor(ask, &session.user).await
        });
    }

    /// A proxy's client asks for the way to a visitor.
    pub(super) fn client_asks(self: &Arc<Self>, ask: NatHoleClient) {
        let session = Arc::clone(self);
        self.answer_later(async move { session.server.meetings.client(ask).await });
    }

    /// Sends what `work` gives when it is done; returns at once. Both peers give up by themselves
    /// if there is no answer.
    fn answer_later(&self, work: impl Future<Output = Option<NatHoleResp>> + Send + 'static) {
        let Ok(seat) = Arc::clone(&self.meetings).try_acquire_owned() else {
            return tracing::warn!("the client asks for more than {MEETINGS} meetings at a time");
        };
        let outgoing = self.outgoing.clone();
        self.scope.spawn(async move {
            if let Some(answer) = work.await {
                // Only when the session is over.
                let _over = outgoing.send(Box::new(answer.into())).await;
            }
            drop(seat);
        });
    }
}
