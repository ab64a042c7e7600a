//! Frames on their way out, in two queues: streams that send little overtake those that send much.
//!
//! On a link that is slower than its users, what waits here is what a keystroke waits for. So a
//! stream that has nothing in the queue for bulk may put a little into the one for what is urgent,
//! which goes first; a stream that puts in more stands in line with the others (FQ-CoDel, RFC 8290,
//! knows them as new and old flows). The bytes of one stream keep their order.

use std::{collections::VecDeque, io::IoSlice};

use bytes::{Buf, Bytes, BytesMut};
use culvert_io::{FastPath, FastPaths};

use crate::{
    config::{HIGH_WATER, MAX_CONTROLS, MAX_REPLIES, STAGE_BELOW},
    frame::Header,
};

/// Output that the transport has not taken yet.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// What is left of a piece that the transport has begun with; it has to be finished.
    begun: Bytes,
    /// Where that piece stood.
    begun_in: Line,
    /// Goes next, small frames side by side.
    urgent: BytesMut,
    /// Goes when nothing is urgent: frames, or small ones side by side.
    bulk: VecDeque<Bytes>,
    /// Small frames behind `bulk`.
    tail: BytesMut,
    urgent_count: Count,
    bulk_count: Count,
    /// Since everything that was urgent at `window` has been sent: answers to the peer, and all
    /// frames without payload.
    replies: u32,
    controls: u32,
    window: u64,
    /// Whether everything that a stream sends stands in line.
    in_order: bool,
}

/// One of the two queues.
#[derive(Clone, Copy, Debug, Default)]
enum Line {
    #[default]
    Urgent,
    Bulk,
}

/// Bytes ever appended to a queue and ever sent from it, to know when a given frame has left.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    appended: u64,
    sent: u64,
}

/// What a stream has in the queues.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    /// Where its last bytes in each queue end.
    urgent_mark: u64,
    bulk_mark: u64,
    /// What it made urgent since nothing of it was.
    urgent: usize,
}

impl Outbox {
    pub(crate) fn new(paths: FastPaths) -> Self {
        Self {
            in_order: !paths.takes(FastPath::Overtake),
            ..Self::default()
        }
    }

    /// Appends a frame without payload that overtakes all bulk.
    pub(crate) fn stage(&mut self, header: Header) {
        self.count_control();
        put(&mut self.urgent, header, &[]);
        self.urgent_count.appended += Header::LEN as u64;
    }

    /// Appends a frame of a stream by copying it; answers whether it overtakes bulk.
    pub(crate) fn stage_of(&mut self, place: &mut Place, header: Header, body: &[u8]) -> bool {
        if body.is_empty() {
            self.count_control();
        }
        let frame = (Header::LEN + body.len()) as u64;
        if let Some(room) = self.urgent_room(place)
            && body.len() <= room
        {
            place.urgent += body.len();
            put(&mut self.urgent, header, body);
            self.urgent_count.appended += frame;
            place.urgent_mark = self.urgent_count.appended;
            return true;
        }
        if self.tail.len() >= BUNDLE {
            self.close_tail();
        }
        put(&mut self.tail, header, body);
        self.bulk_count.appended += frame;
        place.bulk_mark = self.bulk_count.appended;
        false
    }

    /// Appends a large frame of a stream, header included, as it is.
    pub(crate) fn push(&mut self, place: &mut Place, frame: Bytes) {
        self.close_tail();
        self.bulk_count.appended += frame.len() as u64;
        place.bulk_mark = self.bulk_count.appended;
        self.bulk.push_back(frame);
    }

    fn close_tail(&mut self) {
        if !self.tail.is_empty() {
            self.bulk.push_back(std::mem::take(&mut self.tail).freeze());
        }
    }

    /// How many bytes of the stream would overtake bulk now; `None` while it has bulk of its own.
    pub(crate) fn urgent_room(&self, place: &mut Place) -> Option<usize> {
        if self.in_order || place.bulk_mark > self.bulk_count.sent {
            return None;
        }
        if place.urgent_mark <= self.urgent_count.sent {
            place.urgent = 0;
        }
        if self.urgent.len() > HIGH_WATER {
            return Some(0);
        }
        Some(QUANTUM.saturating_sub(place.urgent))
    }

    const fn count_control(&mut self) {
        self.renew();
        self.controls = self.controls.saturating_add(1);
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
        if self.urgent_count.sent >= self.window {
            self.replies = 0;
            self.controls = 0;
            self.window = self.urgent_count.appended;
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "these bytes are in memory, so that a usize counts them"
    )]
    pub(crate) const fn len(&self) -> usize {
        let urgent = self.urgent_count.appended - self.urgent_count.sent;
        let bulk = self.bulk_count.appended - self.bulk_count.sent;
        (urgent + bulk) as usize
    }

    /// Bytes ever sent.
    pub(crate) const fn sent(&self) -> u64 {
        self.urgent_count.sent + self.bulk_count.sent
    }

    /// Whether writers have to wait.
    pub(crate) const fn is_full(&self) -> bool {
        self.len() > HIGH_WATER
    }

    /// The mark that [`has_sent`](Self::has_sent) reaches when all that is urgent now has left.
    pub(crate) const fn mark(&self) -> u64 {
        self.urgent_count.appended
    }

    pub(crate) const fn has_sent(&self, mark: u64) -> bool {
        self.urgent_count.sent >= mark
    }

    /// Fills `slices` with at most `most` bytes of the output, in order; answers how many it used.
    pub(crate) fn fill<'a>(&'a self, slices: &mut [IoSlice<'a>], most: usize) -> usize {
        let all = [self.begun.as_ref(), self.urgent.as_ref()]
            .into_iter()
            .chain(self.bulk.iter().map(AsRef::as_ref))
            .chain([self.tail.as_ref()])
            .filter(|bytes| !bytes.is_empty());
        let (mut used, mut left) = (0, most);
        for (slot, bytes) in slices.iter_mut().zip(all) {
            if left == 0 {
                break;
            }
            let bytes = bytes.get(..left).unwrap_or(bytes);
            left -= bytes.len();
            *slot = IoSlice::new(bytes);
            used += 1;
        }
        used
    }

    /// The transport took `n` bytes.
    pub(crate) fn advance(&mut self, n: usize) {
        let mut n = n.min(self.len());
        while n > 0 {
            if self.begun.is_empty() && self.begin(&mut n) {
                continue;
            }
            let taken = n.min(self.begun.len());
            self.begun.advance(taken);
            let count = match self.begun_in {
                Line::Urgent => &mut self.urgent_count,
                Line::Bulk => &mut self.bulk_count,
            };
            count.sent += taken as u64;
            n -= taken;
            if taken == 0 {
                break;
            }
        }
        if self.begun.is_empty() {
            // Lets the piece go.
            self.begun = Bytes::new();
        }
        if self.bulk.is_empty() && self.bulk.capacity() > IDLE_SLOTS {
            self.bulk = VecDeque::new();
        }
    }

    /// Puts the next piece to the front; `true` when all that is urgent was among the `n` bytes.
    fn begin(&mut self, n: &mut usize) -> bool {
        let urgent = self.urgent.len();
        if urgent > 0 && urgent <= *n {
            *n -= urgent;
            self.urgent_count.sent += urgent as u64;
            // Not kept: of what an idle session took in frps, this was the largest part.
            self.urgent = BytesMut::new();
            return true;
        }
        self.begun_in = Line::Bulk;
        self.begun = if urgent > 0 {
            self.begun_in = Line::Urgent;
            std::mem::take(&mut self.urgent).freeze()
        } else if let Some(next) = self.bulk.pop_front() {
            next
        } else {
            std::mem::take(&mut self.tail).freeze()
        };
        false
    }

    /// Throws everything away.
    pub(crate) fn clear(&mut self) {
        *self = Self {
            in_order: self.in_order,
            ..Self::default()
        };
    }
}

fn put(queue: &mut BytesMut, header: Header, body: &[u8]) {
    let needed = Header::LEN + body.len();
    if queue.capacity() - queue.len() < needed {
        queue.reserve(needed.max(STAGE_STEP));
    }
    queue.extend_from_slice(&header.encode());
    queue.extend_from_slice(body);
}

/// What one stream may have in the urgent queue: a screenful of a terminal, a request with its
/// headers. At 100 Mbit/s it takes 0.7 ms.
pub(crate) const QUANTUM: usize = STAGE_BELOW - 1;
/// Small frames in the queue for bulk are bundled up to this: a bundle that was begun delays what
/// is urgent.
const BUNDLE: usize = 16 * 1024;
/// Staging grows by at least this much: 64 interactive streams fit.
const STAGE_STEP: usize = 8 * 1024;
/// Slots that an empty queue keeps: 1 KiB.
const IDLE_SLOTS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Flags, Kind};

    #[test]
    fn an_idle_session_holds_no_memory_for_output() {
        let mut out = Outbox::default();
        for half in [6, 6] {
            out.stage(Header::new(Kind::Ping, Flags::SYN, 0, 1));
            out.advance(half);
            out.advance(Header::LEN - half);
            assert_eq!((out.len(), out.urgent.capacity()), (0, 0));
        }
    }
}
