//! Frames on their way out: one staging buffer for small ones, a queue for large ones.

use std::{collections::VecDeque, io::IoSlice};

use bytes::{Buf, Bytes, BytesMut};

use crate::{
    config::{HIGH_WATER, MAX_CONTROLS, MAX_REPLIES},
    frame::Header,
};

/// Output that the transport has not taken yet, in order: `queue`, then `staged`.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: VecDeque<Bytes>,
    staged: BytesMut,
    len: usize,
    /// Bytes ever appended and ever sent, to know when a given frame has left.
    appended: u64,
    sent: u64,
    /// Since everything that was queued at `window` has been sent: answers to the peer, and all
    /// frames without payload.
    replies: u32,
    controls: u32,
    window: u64,
}

impl Outbox {
    /// Appends a frame by copying it.
    pub(crate) fn stage(&mut self, header: Header, body: &[u8]) {
        if body.is_empty() {
            self.renew();
            self.controls = self.controls.saturating_add(1);
        }
        let needed = Header::LEN + body.len();
        if self.staged.capacity() - self.staged.len() < needed {
            self.staged.reserve(needed.max(STAGE_STEP));
        }
        self.staged.extend_from_slice(&header.encode());
        self.staged.extend_from_slice(body);
        self.count(Header::LEN + body.len());
    }

    /// Appends a frame, header included, as it is.
    pub(crate) fn push(&mut self, frame: Bytes) {
        self.count(frame.len());
        if !self.staged.is_empty() {
            self.queue
                .push_back(std::mem::take(&mut self.staged).freeze());
        }
        self.queue.push_back(frame);
    }

    const fn count(&mut self, len: usize) {
        self.len += len;
        self.appended += len as u64;
    }

    /// Notes an answer to the peer; `false` when it has too many that it does not fetch.
    #[must_use]
    pub(crate) const fn may_reply(&mut self) -> bool {
        self.renew();
        self.replies += 1;
        self.replies <= MAX_REPLIES
    }

    /// Whether more control frames wait than any use of the session explains.
    pub(crate) const fn is_flooded(&self) -> bool {
        self.controls > MAX_CONTROLS
    }

    const fn renew(&mut self) {
        if self.sent >= self.window {
            self.replies = 0;
            self.controls = 0;
            self.window = self.appended;
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Whether writers have to wait.
    pub(crate) const fn is_full(&self) -> bool {
        self.len > HIGH_WATER
    }

    /// The mark that [`has_sent`](Self::has_sent) reaches when all that is queued now has left.
    pub(crate) const fn mark(&self) -> u64 {
        self.appended
    }

    pub(crate) const fn has_sent(&self, mark: u64) -> bool {
        self.sent >= mark
    }

    /// Fills `slices` with the output in order; answers how many it used.
    pub(crate) fn fill<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let staged = Some(self.staged.as_ref()).filter(|s| !s.is_empty());
        let all = self.queue.iter().map(AsRef::as_ref).chain(staged);
        let mut used = 0;
        for (slot, bytes) in slices.iter_mut().zip(all) {
            *slot = IoSlice::new(bytes);
            used += 1;
        }
        used
    }

    /// The transport took `n` bytes.
    pub(crate) fn advance(&mut self, n: usize) {
        let mut n = n.min(self.len);
        self.len -= n;
        self.sent += n as u64;
        while let Some(front) = self.queue.front_mut() {
            if n < front.len() {
                front.advance(n);
                return;
            }
            n -= front.len();
            self.queue.pop_front();
        }
        if self.queue.capacity() > IDLE_SLOTS {
            self.queue = VecDeque::new();
        }
        if n < self.staged.len() {
            let mut rest = std::mem::take(&mut self.staged).freeze();
            rest.advance(n);
            self.queue.push_back(rest);
        } else if self.staged.capacity() > IDLE_STAGE {
            self.staged = BytesMut::new();
        } else {
            self.staged.clear();
        }
    }

    /// Throws everything away.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Bytes of staging that an idle session keeps.
const IDLE_STAGE: usize = STAGE_STEP;
/// Staging grows by at least this much: 64 interactive streams fit.
const STAGE_STEP: usize = 8 * 1024;
/// Slots that an empty queue keeps: 1 KiB.
const IDLE_SLOTS: usize = 32;
