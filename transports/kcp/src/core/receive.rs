//! What arrives: putting segments in order, acknowledging them, and the window we grant.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};

use super::{Command, Packer, before};

/// The receiving half.
#[derive(Debug)]
pub(super) struct Receiver {
    /// The next number in order.
    next: u32,
    /// Segments from `next` on; a hole is `None`. The first is always a hole.
    waiting: VecDeque<Option<Bytes>>,
    /// In order, not yet read.
    ready: VecDeque<Bytes>,
    window: u16,
    /// The window that the peer knows of.
    told: u16,
    acks: Vec<(u32, u32)>,
    tell: bool,
    held: usize,
}

impl Receiver {
    pub(super) fn new(window: u16) -> Self {
        Self {
            next: 0,
            waiting: VecDeque::new(),
            ready: VecDeque::new(),
            window,
            told: window,
            acks: Vec::new(),
            tell: false,
            held: 0,
        }
    }

    fn free(&self) -> u16 {
        let used = u16::try_from(self.ready.len()).unwrap_or(u16::MAX);
        self.window.saturating_sub(used)
    }

    /// The window and the next number, as the peer is about to hear them.
    pub(super) fn state(&mut self) -> (u16, u32) {
        self.told = self.free();
        (self.told, self.next)
    }

    pub(super) fn push(&mut self, sn: u32, ts: u32, payload: Bytes) {
        if before(sn, self.next) {
            return self.acks.push((sn, ts));
        }
        let ahead = usize::try_from(sn.wrapping_sub(self.next)).unwrap_or(usize::MAX);
        if ahead >= usize::from(self.free()) {
            return;
        }
        self.acks.push((sn, ts));
        if self.waiting.len() <= ahead {
            self.waiting.resize(ahead + 1, None);
        }
        if let Some(place @ None) = self.waiting.get_mut(ahead) {
            self.held += payload.len();
            *place = Some(payload);
        }
        while let Some(Some(payload)) = self.waiting.front_mut().map(Option::take) {
            self.waiting.pop_front();
            self.next = self.next.wrapping_add(1);
            if !payload.is_empty() {
                self.ready.push_back(payload);
            }
        }
    }

    pub(super) fn readable(&self) -> bool {
        !self.ready.is_empty()
    }

    pub(super) fn read(&mut self, max: usize) -> Option<Bytes> {
        let first = self.ready.front_mut()?;
        let bytes = if first.len() <= max {
            self.ready.pop_front()?
        } else {
            first.split_to(max)
        };
        self.held = self.held.saturating_sub(bytes.remaining());
        // A peer that believes in a small window must hear that it has opened.
        if self.free().saturating_sub(self.told) > self.window / 2 {
            self.tell = true;
        }
        Some(bytes)
    }

    pub(super) fn set_window(&mut self, window: u16) {
        self.window = window;
    }

    pub(super) fn tell(&mut self) {
        self.tell = true;
    }

    pub(super) fn urgent(&self) -> bool {
        self.tell || !self.acks.is_empty()
    }

    /// Puts acknowledgements and window. What `una` covers needs none of its own, but the last one
    /// always goes, so that the peer can measure.
    pub(super) fn flush(&mut self, packer: &mut Packer<'_>) {
        let last = self.acks.len().saturating_sub(1);
        for (i, (sn, ts)) in self.acks.drain(..).enumerate() {
            if i == last || !before(sn, self.next) {
                packer.put(Command::Ack, sn, ts, &[]);
            }
        }
        if std::mem::take(&mut self.tell) {
            packer.put(Command::Tell, 0, 0, &[]);
        }
    }

    pub(super) fn held(&self) -> usize {
        self.held
    }
}
