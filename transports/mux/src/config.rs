//! The settings of a session, with frp's values as defaults.

use std::time::Duration;

use culvert_io::{FastPath, FastPaths};

/// Which end of the connection this is; decides the parity of the stream ids it opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The side that dialled: odd ids from 1.
    Client,
    /// The side that accepted: even ids from 2.
    Server,
}

impl Role {
    /// The id of the first stream this side opens.
    pub(crate) const fn first_id(self) -> u32 {
        match self {
            Self::Client => 1,
            Self::Server => 2,
        }
    }

    /// Whether `id` is one that the other side may open.
    pub(crate) const fn peer_may_open(self, id: u32) -> bool {
        match self {
            Self::Client => id != 0 && id.is_multiple_of(2),
            Self::Server => !id.is_multiple_of(2),
        }
    }
}

/// How a session behaves. The defaults are frp's (protocol 2.3).
#[derive(Clone, Debug)]
pub struct MuxConfig {
    /// Time between our pings; `None` sends none.
    pub keepalive: Option<Duration>,
    /// How long the output may stand still, and how long a ping may stay unanswered.
    pub write_timeout: Duration,
    /// How long a stream we opened may stay without acknowledgement before the session ends.
    pub open_timeout: Duration,
    /// How long a stream we finished may stay unfinished by the peer before it is reset.
    pub close_timeout: Duration,
    /// Streams of the peer that wait to be accepted, and unacknowledged opens of ours.
    pub accept_backlog: usize,
    /// Largest receive window of one stream, bytes.
    pub max_window: u32,
    /// Bytes of receive window that all streams together may have beyond the 256 KiB that the
    /// protocol gives each of them.
    pub receive_budget: usize,
    /// Streams that may exist at a time; more of the peer's are reset.
    pub max_streams: usize,
    /// Bytes received and not yet read, over all streams, before [`authenticate`] was called.
    ///
    /// [`authenticate`]: crate::MuxSession::authenticate
    pub prelogin_bytes: usize,
    /// Frames that the peer may send before [`authenticate`] was called.
    ///
    /// [`authenticate`]: crate::MuxSession::authenticate
    pub prelogin_frames: u32,
    /// The ways that are there only for speed.
    pub fast_paths: FastPaths,
}

impl Default for MuxConfig {
    fn default() -> Self {
        Self {
            keepalive: Some(Duration::from_secs(30)),
            write_timeout: Duration::from_secs(10),
            open_timeout: Duration::from_secs(75),
            close_timeout: Duration::from_secs(300),
            accept_backlog: 256,
            max_window: 6 * 1024 * 1024,
            // Ten streams at full window; the rest of a busy session grows as far as it needs.
            receive_budget: 64 * 1024 * 1024,
            // Twice what one host can open towards one address and port.
            max_streams: 65_536,
            // A login is at most 10 KiB (v1) or 64 KiB (v2); slack for what follows at once.
            prelogin_bytes: 80 * 1024,
            // A login takes about four frames; small writes of a slow sender take more.
            prelogin_frames: 4096,
            fast_paths: FastPaths::default(),
        }
    }
}

impl MuxConfig {
    /// The shortest payload that is handed out in the memory that it was received in, if any is.
    pub(crate) fn share_from(&self) -> usize {
        if self.fast_paths.forces(FastPath::Share) {
            1
        } else if self.fast_paths.takes(FastPath::Share) {
            COPY_BELOW
        } else {
            usize::MAX
        }
    }
}

/// The window every stream starts with, both ways (hashicorp yamux spec.md).
pub(crate) const INITIAL_WINDOW: u32 = 256 * 1024;
/// Writers wait while more than this is queued: one large frame on its way, one behind it.
pub(crate) const HIGH_WATER: usize = 256 * 1024;
/// Waiting writers go on when the queue has fallen to this.
pub(crate) const LOW_WATER: usize = 64 * 1024;
/// Frames whose payload is shorter are staged and sent together (measured: below 8 KiB a copy is
/// cheaper than its own system call).
pub(crate) const STAGE_BELOW: usize = 8 * 1024;
/// Shorter payloads are always copied: 4 KiB cost less than a microsecond, and the buffer that they
/// were read into goes straight back to the pool.
pub(crate) const COPY_BELOW: usize = 4 * 1024;
/// Frames without payload that may wait in the output, 1.5 MiB of them: all streams of a session
/// may be acknowledged and finished at once, but a peer that opens and resets without reading the
/// acknowledgements is cut off.
pub(crate) const MAX_CONTROLS: u32 = 131_072;
/// Answers to the peer (pongs, resets) that may wait in the output: 48 KiB of them. A peer that
/// asks faster than it reads is cut off.
pub(crate) const MAX_REPLIES: u32 = 4096;
