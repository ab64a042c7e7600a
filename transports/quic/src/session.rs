//! The handle of a session: open, accept, close.

use std::{
    fmt,
    future::Future,
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use culvert_io::{Peer, Stream};
use culvert_transport::{Result, Session, Traffic, Transport, TransportError};
use parking_lot::Mutex;
use quinn::{Connection, Endpoint, VarInt};

use crate::{
    Quic, QuicStream, error,
    flow::Flows,
    migrate,
    settings::{Limits, STRANGER_STREAMS},
    tasks::Tasks,
};

/// The code of every close (protocol 2.5).
pub(crate) const CODE: VarInt = VarInt::from_u32(0);

/// What an acknowledgement may be held back for (max_ack_delay, RFC 9000, 18.2).
const ACK_DELAY: Duration = Duration::from_millis(25);
/// The longest time that last words have to arrive: upstream's client waits this long before it
/// closes (protocol 3.3).
pub(crate) const LAST_WORDS: Duration = Duration::from_millis(500);
/// Turns of the thread within which quinn sends what it was told to; it takes one or two.
const TURNS: usize = 16;

/// Streams that a known peer may have open at first. quinn holds some 70 bytes for each stream
/// that may come: the 100000 of upstream's default would cost 4 MiB for every client.
const FIRST_STREAMS: u32 = 1024;

/// A QUIC connection.
///
/// Until [`authenticate`](Session::authenticate) is called, on either side, the limits for unknown
/// peers hold. Dropping the handles does not end streams; after the last handle and the last stream
/// the session closes itself.
pub struct QuicSession {
    shared: Arc<Shared>,
}

/// What handles and streams share.
pub(crate) struct Shared {
    conn: Connection,
    /// The endpoint, if it has no other connections and may move.
    endpoint: OnceLock<Endpoint>,
    peer: Peer,
    tasks: Tasks,
    limits: Limits,
    allowed: Mutex<Allowed>,
    /// Streams that the peer has opened and we have not dropped.
    accepted: Arc<AtomicUsize>,
    /// Bytes that were submitted and that quinn has not taken.
    waiting: AtomicUsize,
    /// The streams that have datagrams beside them.
    pub(crate) flows: Arc<Flows>,
}

/// How many streams the peer may have open.
struct Allowed {
    known: bool,
    streams: u32,
    /// How often the peer has said that it wants more.
    wanted: u64,
}

/// A place among the streams that the peer has opened.
pub(crate) struct Seat(Arc<AtomicUsize>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Bytes that wait; holds the session until they are gone.
pub(crate) struct Waiting {
    shared: Arc<Shared>,
    bytes: usize,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.shared.waiting.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl QuicSession {
    /// The session on a connection whose handshake is done; `port` is ours.
    pub(crate) fn new(conn: Connection, port: u16, limits: Limits, tasks: Tasks) -> Self {
        let canonical = |ip: std::net::IpAddr, port| SocketAddr::new(ip.to_canonical(), port);
        let addr = conn.remote_address();
        let addr = canonical(addr.ip(), addr.port());
        // Where the system does not tell, the peer's own family's any-address says nothing wrong.
        let local = conn.local_ip().unwrap_or_else(|| any(addr));
        let allowed = Allowed {
            known: false,
            streams: limits.streams.min(STRANGER_STREAMS),
            wanted: 0,
        };
        let flows = Arc::<Flows>::default();
        if limits.datagrams {
            tasks.spawn(Arc::clone(&flows).hand_out(conn.clone()));
        }
        let shared = Shared {
            conn,
            flows,
            endpoint: OnceLock::new(),
            peer: Peer::new(addr, canonical(local, port), Quic::NAME),
            tasks,
            limits,
            allowed: Mutex::new(allowed),
            accepted: Arc::default(),
            waiting: AtomicUsize::new(0),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The same session, which can move with `endpoint`, whose only connection it is.
    pub(crate) fn movable(self, endpoint: Endpoint) -> Self {
        // A session gets its endpoint once.
        let _first = self.shared.endpoint.set(endpoint);
        self
    }

    /// Where the session leads to.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        &self.shared.peer
    }

    #[cfg(test)]
    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// How many streams the peer may have open now.
    #[must_use]
    pub fn allowed_streams(&self) -> u32 {
        self.shared.allowed.lock().streams
    }
}

fn any(like: SocketAddr) -> std::net::IpAddr {
    match like {
        SocketAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    }
}

impl Shared {
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(work);
    }

    pub(crate) const fn conn(&self) -> &Connection {
        &self.conn
    }

    pub(crate) fn is_over(&self) -> bool {
        self.conn.close_reason().is_some()
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Counts bytes that wait.
    pub(crate) fn wait_with(self: &Arc<Self>, bytes: usize) -> Waiting {
        self.waiting.fetch_add(bytes, Ordering::Relaxed);
        Waiting {
            shared: Arc::clone(self),
            bytes,
        }
    }

    fn stream(
        self: &Arc<Self>,
        (send, recv): (quinn::SendStream, quinn::RecvStream),
        seat: Option<Seat>,
    ) -> Stream {
        let stream = QuicStream::new(send, recv, seat, Arc::clone(self));
        Stream::chunks(stream, self.peer)
    }

    /// Counts an accepted stream, and lets a known peer open more if it uses half of what it may,
    /// or says that it would.
    fn seat(&self) -> Seat {
        let open = self
            .accepted
            .fetch_add(1, Ordering::Relaxed)
            .saturating_add(1);
        let mut allowed = self.allowed.lock();
        if allowed.known && allowed.streams < self.limits.streams {
            let wanted = self.conn.stats().frame_rx.streams_blocked_bidi;
            let half = usize::try_from(allowed.streams / 2).unwrap_or(usize::MAX);
            if open > half || wanted > allowed.wanted {
                allowed.wanted = wanted;
                let more = allowed.streams.saturating_mul(2);
                self.allow(&mut allowed, more);
            }
        }
        Seat(Arc::clone(&self.accepted))
    }

    fn allow(&self, allowed: &mut Allowed, streams: u32) {
        allowed.streams = streams.min(self.limits.streams);
        self.conn
            .set_max_concurrent_bi_streams(allowed.streams.into());
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if !self.is_over() {
            let conn = self.conn.clone();
            self.tasks.spawn(last_words(conn));
        }
    }
}

/// Closes a connection after what was written has had time to arrive: a close discards what the
/// peer has not read.
async fn last_words(conn: Connection) {
    /// Closes in any case.
    struct Close(Connection);
    impl Drop for Close {
        fn drop(&mut self) {
            self.0.close(CODE, &[]);
        }
    }
    let close = Close(conn.clone());
    let wait = conn.rtt().saturating_mul(2).saturating_add(ACK_DELAY);
    // The peer may close first.
    let _gone = tokio::time::timeout(wait.min(LAST_WORDS), conn.closed()).await;
    drop(close);
    for _ in 0..TURNS {
        if conn.stats().frame_tx.connection_close > 0 {
            break;
        }
        tokio::task::yield_now().await;
    }
}

impl Session for QuicSession {
    /// Waits while the peer allows no more streams. The peer hears of the stream when something is
    /// written to it.
    async fn open(&self) -> Result<Stream> {
        let halves = self.shared.conn.open_bi().await.map_err(error::session)?;
        Ok(self.shared.stream(halves, None))
    }

    async fn accept(&self) -> Result<Stream> {
        let halves = self.shared.conn.accept_bi().await.map_err(error::session)?;
        let seat = self.shared.seat();
        Ok(self.shared.stream(halves, Some(seat)))
    }

    async fn close(&self, why: &str) {
        tracing::debug!("closing the quic connection: {why}");
        if !self.shared.is_over() {
            last_words(self.shared.conn.clone()).await;
        }
    }

    async fn closed(&self) -> String {
        error::why(&self.shared.conn.closed().await)
    }

    fn authenticate(&self) {
        let mut allowed = self.shared.allowed.lock();
        if allowed.known {
            return;
        }
        allowed.known = true;
        let window = self.shared.limits.window;
        self.shared.conn.set_receive_window(window.into());
        self.shared.allow(&mut allowed, FIRST_STREAMS);
    }

    fn round_trip(&self) -> Option<Duration> {
        Some(self.shared.conn.rtt())
    }

    fn path_mtu(&self) -> Option<u16> {
        Some(self.shared.conn.stats().path.current_mtu)
    }

    fn traffic(&self) -> Option<Traffic> {
        let stats = self.shared.conn.stats();
        Some(Traffic {
            received: stats.udp_rx.datagrams,
            sent: stats.udp_tx.datagrams,
            lost: stats.path.lost_packets,
        })
    }

    fn streams(&self) -> Option<usize> {
        // Every stream holds what is shared, and so does this handle.
        Some(Arc::strong_count(&self.shared).saturating_sub(1))
    }

    async fn migrate(&self) -> Result<()> {
        let Some(endpoint) = self.shared.endpoint.get() else {
            let text = "the socket of this session is not its own";
            return Err(TransportError::Refused(text.to_owned()));
        };
        migrate::migrate(endpoint, &self.shared.conn).await
    }
}

impl fmt::Debug for QuicSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuicSession")
            .field("peer", &self.shared.peer)
            .finish_non_exhaustive()
    }
}
