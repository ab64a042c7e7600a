//! Work connections that are kept between requests (limits of upstream: pkg/util/vhost/http.go).

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
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

/// How long a connection is used in all, so that no user depends for ever on where it once led
/// (nginx's `keepalive_time`, 1 h; upstream has no limit).
const LIFETIME: Duration = Duration::from_secs(3600);

/// Unused connections to one service; the one used last is used next, so that spare ones age.
pub(super) struct Pool {
    idle: Mutex<Idle>,
    /// How many connections were opened, and how many requests needed none.
    opened: AtomicU64,
    reused: AtomicU64,
    /// Where the task that ends aged connections lives.
    scope: Scope,
}

#[derive(Default)]
struct Idle {
    /// Since when each is unused; the one unused for longest comes first.
    senders: VecDeque<(Instant, Kept)>,
    swept: bool,
    closed: bool,
}

/// A connection, and when it was opened.
pub(super) struct Kept {
    pub(super) sender: SendRequest<RequestBody>,
    since: Instant,
}

impl Kept {
    fn is_good(&self) -> bool {
        !self.sender.is_closed() && self.since.elapsed() < LIFETIME
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kept").field(&self.since).finish()
    }
}

impl Pool {
    pub(super) fn new(scope: Scope) -> Arc<Self> {
        Arc::new(Self {
            idle: Mutex::new(Idle::default()),
            opened: AtomicU64::new(0),
            reused: AtomicU64::new(0),
            scope,
        })
    }

    /// The connection used last that is neither closed nor aged.
    pub(super) fn take(&self) -> Option<Kept> {
        let mut idle = self.idle.lock();
        while let Some((since, kept)) = idle.senders.pop_back() {
            if kept.is_good() && since.elapsed() < IDLE {
                self.reused.fetch_add(1, Ordering::Relaxed);
                return Some(kept);
            }
        }
        None
    }

    /// Counts a connection that was just opened.
    pub(super) fn opened(&self, sender: SendRequest<RequestBody>) -> Kept {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let since = Instant::now();
        Kept { sender, since }
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

    fn put(self: &Arc<Self>, kept: Kept) {
        let mut idle = self.idle.lock();
        if idle.closed || !kept.is_good() || idle.senders.len() >= MAX_IDLE {
            return;
        }
        idle.senders.push_back((Instant::now(), kept));
        if !std::mem::replace(&mut idle.swept, true) {
            self.scope.spawn(sweep(Arc::downgrade(self)));
        }
    }

    /// Ends aged and closed connections; answers when to look again, `None` if all are gone.
    fn end_aged(&self) -> Option<Instant> {
        let mut idle = self.idle.lock();
        idle.senders
            .retain(|(since, kept)| kept.is_good() && since.elapsed() < IDLE);
        let next = idle.senders.front().map(|(since, _)| *since + IDLE);
        idle.swept = next.is_some();
        next
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let (opened, reused) = (self.opened.get_mut(), self.reused.get_mut());
        tracing::debug!("http work connections: {opened} opened, used again {reused} times");
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
            .field("opened", &self.opened)
            .field("reused", &self.reused)
            .field("idle", &self.idle.lock().senders.len())
            .finish()
    }
}

/// A connection in use, to be given back when both bodies have passed.
#[derive(Debug)]
pub(crate) struct Checkout {
    pub(super) kept: Kept,
    pub(super) pool: Arc<Pool>,
    pub(super) sent: Option<Arc<Sent>>,
}

impl Checkout {
    /// Puts the connection back, unless a part of the request is still under way on it.
    pub(crate) fn give_back(self) {
        if self.sent.is_none_or(|sent| sent.is_whole()) {
            self.pool.put(self.kept);
        }
    }
}
