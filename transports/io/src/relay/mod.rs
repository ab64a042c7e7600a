//! Joins two streams until one of them ends, by the cheapest path that the two carriers allow.
//!
//! One task carries both directions. Memory is borrowed only while bytes are in flight: an idle
//! relay owns no buffer and no pipe. What is between the two ends decides the path:
//!
//! * two bare TCP sockets on Linux: copied while the messages are small, spliced through a kernel
//!   pipe once reads come back full;
//! * a chunk stream: received slices go to the other end in one vectored write, and what is read
//!   for it is handed over in the buffer that it was read into;
//! * anything else: read into a borrowed buffer and written from it.
//!
//! As upstream (golib `io/io.go`, `Join`), both streams are closed when either direction ends.
//! Unlike upstream no byte that was read is dropped: what came from the ended side is delivered
//! first, and what already waits for the ended side is still sent to it.

mod close;
mod held;
mod join;
mod pump;
mod record;
#[cfg_attr(not(target_os = "linux"), path = "no_splice.rs")]
mod splice;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    future::Future,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{FastPaths, Meter, Stream, relay::join::Join};

pub use record::ACCESS_LOG;

/// How a relay is to be done.
#[derive(Clone, Debug, Default)]
pub struct Relaying {
    /// End the relay when no byte moved for this long; `None`, as upstream, waits for ever.
    pub idle: Option<Duration>,
    /// The ways that are there only for speed.
    pub fast_paths: FastPaths,
    /// Where the bytes are counted, as they move; `None` = where the user's stream says.
    pub meter: Option<Arc<Meter>>,
}

/// What a relay did.
#[derive(Debug)]
pub struct Relayed {
    /// Bytes delivered from the user to the work connection.
    pub to_work: u64,
    /// Bytes delivered from the work connection to the user.
    pub to_user: u64,
    /// How they went.
    pub path: Path,
    /// Why it ended.
    pub end: End,
}

/// Bytes that finished relays of this process delivered, in the order of [`Path::ALL`].
static DELIVERED: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];

/// How many bytes the relays of this process that have ended delivered, by path.
#[must_use]
pub fn delivered() -> [(Path, u64); 3] {
    let mut all = Path::ALL.map(|path| (path, 0));
    for ((_, bytes), counter) in all.iter_mut().zip(&DELIVERED) {
        *bytes = counter.load(Ordering::Relaxed);
    }
    all
}

/// How much went each way and why it ended, for a line of the log.
impl fmt::Display for Relayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (to_work, to_user, end) = (self.to_work, self.to_user, &self.end);
        write!(f, "{to_work} bytes in, {to_user} bytes out, {end:?}")
    }
}

impl Relayed {
    /// Adds what was delivered to [`delivered`].
    fn count(&self) {
        let of_path = Path::ALL.iter().zip(&DELIVERED);
        for (_, counter) in of_path.filter(|(path, _)| **path == self.path) {
            counter.fetch_add(self.to_work + self.to_user, Ordering::Relaxed);
        }
    }
}

/// How the bytes went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// At least some of them through a kernel pipe.
    Splice,
    /// Through borrowed buffers.
    Copy,
    /// At least one end is a chunk stream.
    Chunks,
}

impl Path {
    /// Every path.
    pub const ALL: [Self; 3] = [Self::Splice, Self::Copy, Self::Chunks];

    /// The path as one word, for metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Splice => "splice",
            Self::Copy => "copy",
            Self::Chunks => "chunks",
        }
    }
}

/// One end of a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The stream that leads to the user.
    User,
    /// The stream that leads to the service.
    Work,
}

/// Which end stopped first, and how.
#[derive(Debug)]
pub enum End {
    /// This side sent its last byte.
    Eof(Side),
    /// This side failed or was reset.
    Reset(Side, io::Error),
    /// No byte moved for as long as [`Relaying::idle`] allows.
    Idle,
}

/// Carries bytes both ways between `user` and `work` until either ends, then closes both.
///
/// *Cancel safety*: dropping the future closes both streams at once; bytes in flight are lost,
/// and the meter has counted what was delivered.
#[must_use = "a relay does nothing unless it is awaited"]
pub fn relay(
    user: Stream,
    work: Stream,
    how: &Relaying,
) -> impl Future<Output = Relayed> + Send + Unpin + use<'_> {
    Join::new(user, work, how)
}
