//! What the access log says of a relay: one event when it ends.

use tokio::time::Instant;

use super::{End, Relayed, Side};
use crate::{Peer, Stream};

/// The target of the access log's events. Nothing is noted while nobody listens to it.
pub const ACCESS_LOG: &str = "access";

/// A relay that is to be told of.
pub(super) struct Record {
    user: Peer,
    work: Peer,
    begun: Instant,
}

impl Record {
    /// Notes who is joined, if anybody wants to know.
    pub(super) fn begin(user: &Stream, work: &Stream) -> Option<Box<Self>> {
        tracing::enabled!(target: ACCESS_LOG, tracing::Level::INFO).then(|| {
            Box::new(Self {
                user: *user.peer(),
                work: *work.peer(),
                begun: Instant::now(),
            })
        })
    }

    /// Tells of a relay that came to its end.
    pub(super) fn end(&self, done: &Relayed) {
        let end = match &done.end {
            End::Eof(Side::User) => "closed by the user's side".to_owned(),
            End::Eof(Side::Work) => "closed by the service's side".to_owned(),
            End::Reset(Side::User, error) => format!("user's side: {error}"),
            End::Reset(Side::Work, error) => format!("service's side: {error}"),
            End::Idle => "idle".to_owned(),
        };
        self.tell((done.to_work, done.to_user), &end);
    }

    /// Tells of a relay that was broken off.
    pub(super) fn broken_off(&self, moved: (u64, u64)) {
        self.tell(moved, "broken off");
    }

    fn tell(&self, (bytes_in, bytes_out): (u64, u64), end: &str) {
        let took = self.begun.elapsed().as_millis();
        tracing::info!(
            target: ACCESS_LOG,
            from = %self.user.addr,
            from_transport = self.user.transport,
            to = %self.work.addr,
            to_transport = self.work.transport,
            bytes_in,
            bytes_out,
            milliseconds = u64::try_from(took).unwrap_or(u64::MAX),
            end,
        );
    }
}
