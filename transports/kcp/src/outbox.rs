//! Datagrams on their way to a socket, packed side by side in one buffer.

use std::collections::VecDeque;

use crate::{
    core::MTU,
    fec::{self, Encoder},
};

/// A buffer that grew beyond this is given back once it is empty.
const KEPT: usize = 16 * 1024;

/// Finished datagrams in order, and the one that is being packed.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    /// Where each finished datagram ends.
    ends: VecDeque<usize>,
    /// Where the next one to be sent begins.
    from: usize,
    /// Where the open one begins, if one is open.
    open: Option<usize>,
    encoder: Option<Encoder>,
}

impl Outbox {
    /// An empty outbox. With an encoder every datagram gets upstream's FEC header, and parity
    /// follows where it is due; without one, datagrams are plain KCP.
    #[must_use]
    pub fn new(encoder: Option<Encoder>) -> Self {
        Self {
            encoder,
            ..Self::default()
        }
    }

    fn header(&self) -> usize {
        self.encoder.as_ref().map_or(0, |_| fec::HEADER)
    }

    /// Adds a segment to the open datagram, or to a new one if it does not fit.
    pub(crate) fn segment(&mut self, header: &[u8], payload: &[u8], now: u64) {
        let need = header.len() + payload.len();
        let limit = self.header() + MTU;
        if self
            .open
            .is_some_and(|at| self.bytes.len() - at + need > limit)
        {
            self.close(now);
        }
        if self.open.is_none() {
            self.open = Some(self.bytes.len());
            self.bytes.resize(self.bytes.len() + self.header(), 0);
        }
        self.bytes.extend_from_slice(header);
        self.bytes.extend_from_slice(payload);
    }

    /// Finishes the open datagram.
    pub(crate) fn close(&mut self, now: u64) {
        let Some(at) = self.open.take() else { return };
        self.ends.push_back(self.bytes.len());
        let Some(encoder) = &mut self.encoder else {
            return;
        };
        let Some(datagram) = self.bytes.get_mut(at..) else {
            return;
        };
        if encoder.data(datagram, now) {
            for index in 0..fec::PARITY {
                encoder.parity(index, &mut self.bytes);
                self.ends.push_back(self.bytes.len());
            }
        }
    }

    /// The next datagram to send.
    #[must_use]
    pub fn front(&self) -> Option<&[u8]> {
        self.bytes.get(self.from..*self.ends.front()?)
    }

    /// Forgets the datagram that [`front`](Self::front) answered.
    pub fn pop(&mut self) {
        if let Some(end) = self.ends.pop_front() {
            self.from = end;
        }
        if self.ends.is_empty() && self.open.is_none() {
            self.from = 0;
            self.bytes.clear();
            if self.bytes.capacity() > KEPT {
                self.bytes = Vec::new();
            }
        }
    }

    /// Whether nothing waits to be sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}
