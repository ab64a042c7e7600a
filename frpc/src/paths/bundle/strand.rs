//! One path of a bundle, with what is on it.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use culvert_io::{Peer, Stream, network};
use culvert_transport::TransportError;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::choice::Burden;
use crate::paths::{
    Path,
    watch::{Health, Watch},
};

/// Bytes from which a stream counts as bulk: more than a page with its pictures, far less than a
/// download. It holds a link of 10 Mbit/s for a second.
const MUCH: u64 = 1 << 20;

/// Bytes that such a stream moves between two looks, a second apart, to count as bulk now.
const STILL: u64 = 16 << 10;

/// How long a path on which no stream could be opened is passed over: a dead one is found out in
/// that time, and one whose streams are connections of their own gets another chance.
const PASSED_OVER: Duration = Duration::from_secs(10);

/// One path and its streams.
#[derive(Debug)]
pub(crate) struct Strand {
    pub(crate) path: Path,
    /// Whether its streams are watched for how much they move.
    watching: bool,
    streams: Mutex<Vec<Seen>>,
    /// How many of them are bulk.
    bulk: AtomicUsize,
    suspect: AtomicBool,
    /// Nothing comes over it.
    silent: AtomicBool,
    passed_over_until: Mutex<Option<Instant>>,
    /// Somebody tries to move it.
    moving: AtomicBool,
    origin: Mutex<Option<Origin>>,
    signs: Mutex<Watch>,
}

/// A stream, and how much it had moved when it was last looked at.
#[derive(Debug)]
struct Seen {
    moved: Weak<AtomicU64>,
    before: u64,
}

/// Between which addresses a path goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The server's.
    pub(crate) server: SocketAddr,
    /// Ours, as the system chose it.
    pub(crate) own: IpAddr,
}

impl Strand {
    pub(super) fn new(path: Path, watching: bool) -> Self {
        Self {
            path,
            watching,
            streams: Mutex::default(),
            bulk: AtomicUsize::new(0),
            suspect: AtomicBool::new(false),
            silent: AtomicBool::new(false),
            passed_over_until: Mutex::default(),
            moving: AtomicBool::new(false),
            origin: Mutex::default(),
            signs: Mutex::new(Watch::new(Instant::now())),
        }
    }

    /// A new stream.
    ///
    /// *Cancel safety*: no stream is opened.
    ///
    /// # Errors
    /// The path is over.
    pub(crate) async fn open(&self) -> Result<Stream, TransportError> {
        let stream = self.path.session.open().await?;
        self.leads_to(stream.peer());
        if !self.watching {
            return Ok(stream);
        }
        let moved = Arc::<AtomicU64>::default();
        self.streams.lock().push(Seen {
            moved: Arc::downgrade(&moved),
            before: 0,
        });
        Ok(stream.watched(moved))
    }

    /// Notes where the path leads, which its streams tell.
    pub(crate) fn leads_to(&self, peer: &Peer) {
        let mut origin = self.origin.lock();
        if origin.is_none()
            && let Ok(own) = network::source(peer.addr, None)
        {
            *origin = Some(Origin {
                server: peer.addr,
                own,
            });
        }
    }

    /// Between which addresses the path goes, once it has carried a stream.
    pub(crate) fn origin(&self) -> Option<Origin> {
        *self.origin.lock()
    }

    /// Notes that the path goes on from another address.
    pub(crate) fn moved_to(&self, origin: Origin) {
        *self.origin.lock() = Some(origin);
    }

    /// A turn to try to move the path; `None` while somebody else does.
    pub(crate) fn turn_to_move(&self) -> Option<impl Drop + '_> {
        struct Turn<'a>(&'a AtomicBool);
        impl Drop for Turn<'_> {
            fn drop(&mut self) {
                self.0.store(false, Ordering::Release);
            }
        }
        let taken = self.moving.swap(true, Ordering::AcqRel);
        (!taken).then(|| Turn(&self.moving))
    }

    /// Believes the path to be dead or bad; it is used no more once there is another.
    pub(crate) fn suspect(&self) {
        self.suspect.store(true, Ordering::Relaxed);
    }

    /// Notes that no stream could be opened.
    pub(super) fn failed(&self) {
        *self.passed_over_until.lock() = Some(Instant::now() + PASSED_OVER);
    }

    fn is_silent(&self) -> bool {
        self.silent.load(Ordering::Relaxed)
    }

    fn is_passed_over(&self) -> bool {
        let until = *self.passed_over_until.lock();
        until.is_some_and(|until| Instant::now() < until)
    }

    pub(crate) fn is_suspect(&self) -> bool {
        self.suspect.load(Ordering::Relaxed)
    }

    /// How many streams are on it; 0 where every stream is a connection of its own.
    pub(crate) fn streams(&self) -> usize {
        self.path.session.streams().unwrap_or_default()
    }

    /// How many of them move much.
    pub(super) fn bulk(&self) -> usize {
        self.bulk.load(Ordering::Relaxed)
    }

    /// How long the server takes to answer. Before that was measured, what dialling took says
    /// enough: it is two to four round trips.
    pub(super) fn round_trip(&self) -> Duration {
        let measured = self.path.session.round_trip();
        measured.unwrap_or_else(|| self.path.took / 3)
    }

    pub(super) fn burden(&self, fallback: bool) -> Burden {
        Burden {
            suspect: self.is_suspect() || self.is_silent() || self.is_passed_over(),
            fallback,
            bulk: self.bulk(),
            streams: self.streams(),
            round_trip: self.round_trip(),
        }
    }

    /// Looks for signs of life; for links that ask for them often. One that has been silent is
    /// believed in again when it speaks.
    pub(super) fn look_for_life(&self) {
        let session = &self.path.session;
        if let Some(traffic) = session.traffic() {
            let mut signs = self.signs.lock();
            let health = signs.look(Instant::now(), traffic, session.round_trip());
            let silent = health == Health::Dead;
            self.silent.store(silent, Ordering::Relaxed);
        }
    }

    /// Looks which streams have moved much since the last look.
    pub(super) fn look(&self) {
        let mut bulk = 0;
        self.streams.lock().retain_mut(|seen| {
            let Some(moved) = seen.moved.upgrade() else {
                return false;
            };
            let now = moved.load(Ordering::Relaxed);
            if now >= MUCH && now.saturating_sub(seen.before) >= STILL {
                bulk += 1;
            }
            seen.before = now;
            true
        });
        self.bulk.store(bulk, Ordering::Relaxed);
    }
}
