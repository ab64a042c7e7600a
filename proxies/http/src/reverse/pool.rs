//! Work connections that are kept between requests (limits of upstream: pkg/util/vhost/http.go).

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use culvert_io::Scope;
use hyper::client::conn::http1::SendRequest;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::body::{RequestBody, Sent};

/// How long a connection may stay unused (upstream's `IdleConnTimeout`).
const IDLE: Duration = Duration::from_secs(60);

/// The most unused connections of a proxy. Each holds a stream, and at the client a socket to the
/// service. Upstream keeps 5, so that 64 busy users reopen all the time, at 16 times the cost of
/// a request; 256 leaves room for four times as many.
const MAX_IDLE: usize = 256;

/// Unused connections to one service; the one used last is used next, so that spare ones age.
pub(super) struct Pool {
    idle: Mutex<Idle>,
    /// Where the task that ends aged connections lives.
    scope: Scope,
}

#[derive(Default)]
struct Idle {
    /// The one unused for longest comes first.
    senders: VecDeque<(Instant, SendRequest<RequestBody>)>,
    swept: bool,
    closed: bool,
}

impl Pool {
    pub(super) fn new(scope: Scope) -> Arc<Self> {
        Arc::new(Self {
            idle: Mutex::new(Idle::default()),
            scope,
        })
    }

    /// The connection used last that is neither closed nor aged.
    pub(super) fn take(&self) -> Option<SendRequest<RequestBody>> {
        let mut idle = self.idle.lock();
        while let Some((since, sender)) = idle.senders.pop_back() {
            if !sender.is_closed() && since.elapsed() < IDLE {
                return Some(sender);
            }
        }
        None
    }

    /// Ends all unused connections and keeps none from now on.
    pub(super) fn close(&self) {
        let senders = {
            let mut idle = self.idle.lock();
            idle.closed = true;
            std::mem::take(&mut idle.senders)
        };
        drop(senders);
    }

    fn put(self: &Arc<Self>, sender: SendRequest<RequestBody>) {
        let mut idle = self.idle.lock();
        if idle.closed || sender.is_closed() || idle.senders.len() >= MAX_IDLE {
            return;
        }
        idle.senders.push_back((Instant::now(), sender));
        if !std::mem::replace(&mut idle.swept, true) {
            self.scope.spawn(sweep(Arc::downgrade(self)));
        }
    }

    /// Ends aged and closed connections; answers when to look again, `None` if all are gone.
    fn end_aged(&self) -> Option<Instant> {
        let mut idle = self.idle.lock();
        idle.senders
            .retain(|(since, sender)| !sender.is_closed() && since.elapsed() < IDLE);
        let next = idle.senders.front().map(|(since, _)| *since + IDLE);
        idle.swept = next.is_some();
        next
    }
}

/// Ends aged connections as long as there are any.
async fn sweep(pool: Weak<Pool>) {
    while let Some(next) = pool.upgrade().and_then(|pool| pool.end_aged()) {
        tokio::time::sleep_until(next).await;
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("idle", &self.idle.lock().senders.len())
            .finish()
    }
}

/// A connection in use, to be given back when both bodies have passed.
#[derive(Debug)]
pub(crate) struct Checkout {
    pub(super) sender: SendRequest<RequestBody>,
    pub(super) pool: Arc<Pool>,
    pub(super) sent: Option<Arc<Sent>>,
}

impl Checkout {
    /// Puts the connection back, unless a part of the request is still under way on it.
    pub(crate) fn give_back(self) {
        if self.sent.is_none_or(|sent| sent.is_whole()) {
            self.pool.put(self.sender);
        }
    }
}
