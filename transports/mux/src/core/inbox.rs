//! What a stream has received and nobody has read yet, in few and well-filled pieces of memory.

use std::{collections::VecDeque, ops::Range};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::ReadBuf;

/// Received bytes on their way into the session.
#[derive(Clone, Copy, Debug)]
pub enum Received<'a> {
    /// Memory that is reused after the call: payloads are copied out.
    Lent(&'a [u8]),
    /// Memory that payloads may go on sharing.
    Shared(&'a Bytes),
}

impl Received<'_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Lent(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }

    fn share(&self, range: &Range<usize>) -> Option<Bytes> {
        match self {
            Self::Shared(bytes) if range.end <= bytes.len() => Some(bytes.slice(range.clone())),
            Self::Lent(_) | Self::Shared(_) => None,
        }
    }
}

/// How many queued slices of a session keep a much larger receive buffer alive.
#[derive(Debug, Default)]
pub(crate) struct Pins(usize);

#[derive(Debug)]
struct Chunk {
    bytes: Bytes,
    pins: bool,
}

/// The unread bytes of one stream, in order: `chunks`, then `tail`.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    chunks: VecDeque<Chunk>,
    tail: BytesMut,
}

impl Inbox {
    /// Appends `input[range]`: shared when it is a good part of its buffer, else copied, so that
    /// many small frames can neither pin large buffers nor cost an allocation each. What is shorter
    /// than `least` is always copied.
    pub(crate) fn push(
        &mut self,
        input: Received<'_>,
        range: Range<usize>,
        least: usize,
        pins: &mut Pins,
    ) {
        let len = range.len();
        let loose = len < SHARE_FROM;
        if len >= least
            && (!loose || pins.0 < MAX_PINS)
            && let Some(bytes) = input.share(&range)
        {
            self.seal();
            pins.0 += usize::from(loose);
            self.chunks.push_back(Chunk { bytes, pins: loose });
            return;
        }
        if self.tail.len() >= SHARE_FROM {
            self.seal();
        }
        let bytes = input.bytes().get(range).unwrap_or_default();
        self.tail.extend_from_slice(bytes);
    }

    fn seal(&mut self) {
        if !self.tail.is_empty() {
            let bytes = std::mem::take(&mut self.tail).freeze();
            self.chunks.push_back(Chunk { bytes, pins: false });
        }
    }

    /// The oldest piece.
    pub(crate) fn pop(&mut self, pins: &mut Pins) -> Option<Bytes> {
        if let Some(chunk) = self.chunks.pop_front() {
            self.trim();
            pins.0 = pins.0.saturating_sub(usize::from(chunk.pins));
            return Some(chunk.bytes);
        }
        if self.tail.is_empty() {
            return None;
        }
        Some(std::mem::take(&mut self.tail).freeze())
    }

    /// Copies as much as fits; answers how many bytes that was.
    pub(crate) fn read(&mut self, buf: &mut ReadBuf<'_>, pins: &mut Pins) -> usize {
        let before = buf.remaining();
        while let Some(chunk) = self.chunks.front_mut() {
            let n = chunk.bytes.len().min(buf.remaining());
            buf.put_slice(chunk.bytes.get(..n).unwrap_or_default());
            chunk.bytes.advance(n);
            if !chunk.bytes.is_empty() {
                return before - buf.remaining();
            }
            pins.0 = pins.0.saturating_sub(usize::from(chunk.pins));
            self.chunks.pop_front();
        }
        self.trim();
        let n = self.tail.len().min(buf.remaining());
        buf.put_slice(self.tail.get(..n).unwrap_or_default());
        self.tail.advance(n);
        if self.tail.is_empty() {
            self.tail = BytesMut::new();
        }
        before - buf.remaining()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.tail.is_empty()
    }

    /// Throws everything away; answers how many bytes that was.
    pub(crate) fn clear(&mut self, pins: &mut Pins) -> usize {
        let mut lost = self.tail.len();
        for chunk in std::mem::take(&mut self.chunks) {
            lost += chunk.bytes.len();
            pins.0 = pins.0.saturating_sub(usize::from(chunk.pins));
        }
        self.tail = BytesMut::new();
        lost
    }

    /// An idle stream keeps no large table.
    fn trim(&mut self) {
        if self.chunks.is_empty() && self.chunks.capacity() > IDLE_SLOTS {
            self.chunks = VecDeque::new();
        }
    }
}

/// A payload of a quarter of a receive buffer (256 KiB) or more is always shared: it pins at most
/// four times its size.
const SHARE_FROM: usize = 64 * 1024;
/// Slices between the two that may be queued in a session at a time; they pin 16 MiB at most.
const MAX_PINS: usize = 64;
/// Slots for chunks that an empty inbox keeps: 160 bytes.
const IDLE_SLOTS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::COPY_BELOW;

    #[test]
    fn tiny_frames_share_one_allocation_and_keep_their_order() {
        let mut inbox = Inbox::default();
        let mut pins = Pins::default();
        let bytes = Bytes::from((0..200_000u32).map(|i| (i % 251) as u8).collect::<Vec<_>>());
        let mut at = 0;
        for len in [1, 2, 3, 5000, 1, 70_000, 9, 4096, 1] {
            inbox.push(
                Received::Shared(&bytes),
                at..at + len,
                COPY_BELOW,
                &mut pins,
            );
            at += len;
        }
        assert_eq!(pins.0, 2);
        assert_eq!(inbox.chunks.len(), 6);
        let mut got = Vec::new();
        while let Some(chunk) = inbox.pop(&mut pins) {
            got.extend_from_slice(&chunk);
        }
        assert_eq!(got, bytes[..at]);
        assert_eq!(pins.0, 0);
    }

    #[test]
    fn queued_slices_pin_a_bounded_number_of_buffers() {
        let mut inbox = Inbox::default();
        let mut pins = Pins::default();
        for _ in 0..1000 {
            let buffer = Bytes::from(vec![7; 16 * 1024]);
            inbox.push(Received::Shared(&buffer), 0..4096, COPY_BELOW, &mut pins);
        }
        assert_eq!(pins.0, MAX_PINS);
        assert_eq!(inbox.clear(&mut pins), 1000 * 4096);
        assert_eq!(pins.0, 0);
        assert!(inbox.is_empty());
    }

    #[test]
    fn reads_cross_the_borders_of_chunks() {
        let mut inbox = Inbox::default();
        let mut pins = Pins::default();
        let bytes = Bytes::from(vec![1; 10_000]);
        inbox.push(Received::Shared(&bytes), 0..8000, COPY_BELOW, &mut pins);
        inbox.push(Received::Shared(&bytes), 8000..8010, COPY_BELOW, &mut pins);
        let mut space = vec![0; 8005];
        let mut buf = ReadBuf::new(&mut space);
        assert_eq!(inbox.read(&mut buf, &mut pins), 8005);
        let mut buf = ReadBuf::new(&mut space);
        assert_eq!(inbox.read(&mut buf, &mut pins), 5);
        assert!(inbox.is_empty());
    }
}
