//! The bytes that one direction has read and not yet delivered.

use std::{collections::VecDeque, io::IoSlice};

use bytes::{Buf, Bytes};

use super::splice::Pipe;
use crate::Buffer;

/// How many slices one vectored write takes: beyond 64 the gain is gone, and the system's bound
/// (`IOV_MAX`) is 1024.
pub(super) const SLICES: usize = 64;

/// Bytes in flight, in whatever they came in.
#[derive(Default)]
pub(super) enum Held {
    /// None, and no memory for them.
    #[default]
    Nothing,
    /// One received slice, or the bytes that were read ahead.
    Slice(Bytes),
    /// Several received slices.
    Slices(VecDeque<Bytes>),
    /// A part of the payload of a borrowed buffer.
    Lent {
        buffer: Buffer,
        from: usize,
        to: usize,
    },
    /// Bytes in the kernel.
    Piped(Pipe),
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Slice(bytes) => bytes.len(),
            Self::Slices(all) => all.iter().map(Bytes::len).sum(),
            Self::Lent { from, to, .. } => to.saturating_sub(*from),
            Self::Piped(pipe) => pipe.held(),
        }
    }

    /// The first contiguous bytes; empty when they are in the kernel.
    pub(super) fn first(&self) -> &[u8] {
        match self {
            Self::Nothing | Self::Piped(_) => &[],
            Self::Slice(bytes) => bytes,
            Self::Slices(all) => all.front().map_or(&[], |bytes| bytes),
            Self::Lent { buffer, from, to } => buffer.payload().get(*from..*to).unwrap_or_default(),
        }
    }

    /// Points `slices` at the bytes and answers those that are in use.
    pub(super) fn slices<'a, 'b>(
        &'a self,
        slices: &'b mut [IoSlice<'a>; SLICES],
    ) -> &'b [IoSlice<'a>] {
        let n = if let Self::Slices(all) = self {
            for (slot, bytes) in slices.iter_mut().zip(all) {
                *slot = IoSlice::new(bytes);
            }
            all.len().min(SLICES)
        } else {
            if let Some(slot) = slices.first_mut() {
                *slot = IoSlice::new(self.first());
            }
            1
        };
        slices.get(..n).unwrap_or_default()
    }

    /// Forgets the first `n` bytes, and gives the memory back with the last of them. Bytes in the
    /// kernel count themselves.
    pub(super) fn advance(&mut self, n: usize) {
        match self {
            Self::Nothing | Self::Piped(_) => {}
            Self::Slice(bytes) => bytes.advance(n.min(bytes.len())),
            Self::Slices(all) => advance(all, n),
            Self::Lent { from, .. } => *from = from.saturating_add(n),
        }
        if self.is_empty() {
            *self = Self::Nothing;
        }
    }

    /// Moves bytes into `room` until it is full or none are left; answers how many.
    pub(super) fn take_into(&mut self, room: &mut [u8]) -> usize {
        let mut taken = 0;
        while let Some(left) = room.get_mut(taken..) {
            let first = self.first();
            let n = first.len().min(left.len());
            let (Some(to), Some(from)) = (left.get_mut(..n), first.get(..n)) else {
                break;
            };
            if n == 0 {
                break;
            }
            to.copy_from_slice(from);
            taken += n;
            self.advance(n);
        }
        taken
    }
}

fn advance(all: &mut VecDeque<Bytes>, mut n: usize) {
    while let Some(front) = all.front_mut() {
        if n < front.len() {
            front.advance(n);
            return;
        }
        n -= front.len();
        all.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_written_and_forgotten_across_their_borders() {
        let parts = [&b"ab"[..], b"", b"cdef", b"g"];
        let mut held = Held::Slices(parts.into_iter().map(Bytes::from_static).collect());
        assert_eq!(held.len(), 7);
        let mut slices = [IoSlice::new(&[]); SLICES];
        assert_eq!(held.slices(&mut slices).len(), 4);
        held.advance(3);
        assert_eq!(held.first(), b"def");
        let mut room = [0; 2];
        assert_eq!(held.take_into(&mut room), 2);
        assert_eq!(&room, b"de");
        held.advance(2);
        assert!(matches!(held, Held::Nothing));
    }

    #[test]
    fn a_lent_buffer_goes_back_with_its_last_byte() {
        let mut buffer = Buffer::small();
        buffer.payload_mut()[..4].copy_from_slice(b"data");
        let mut held = Held::Lent {
            buffer,
            from: 0,
            to: 4,
        };
        held.advance(1);
        assert_eq!(held.first(), b"ata");
        assert_eq!(held.take_into(&mut [0; 16]), 3);
        assert!(matches!(held, Held::Nothing));
    }
}
