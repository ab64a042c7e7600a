//! Cutting many slices into few full records.

use std::io::IoSlice;

use culvert_io::Buffer;
use rustls::unbuffered::{EncryptError, WriteTraffic};

use crate::output::Output;

/// Most plaintext in one record (RFC 8446, 5.1).
pub(crate) const RECORD: usize = 16 * 1024;
/// Most plaintext sealed at once: a mux frame of 256 KiB and what was staged in front of it.
pub(crate) const BATCH: usize = 20 * RECORD;
/// More than any suite adds to a record: header 5, explicit nonce 8, tag 16, inner type 1.
const OVERHEAD: usize = 64;

/// Room that `plain` bytes take at most once they are sealed.
pub(crate) const fn bound(plain: usize) -> usize {
    plain + (plain / RECORD + 2) * OVERHEAD
}

/// The slices of a vectored write, taken from the front.
pub(crate) struct Slices<'a> {
    rest: &'a [IoSlice<'a>],
    at: usize,
}

impl<'a> Slices<'a> {
    pub(crate) const fn new(slices: &'a [IoSlice<'a>]) -> Self {
        Self {
            rest: slices,
            at: 0,
        }
    }

    /// What is left of the first slice that is not used up.
    fn head(&mut self) -> &'a [u8] {
        while let Some((first, rest)) = self.rest.split_first() {
            if let Some(head) = first.get(self.at..).filter(|h| !h.is_empty()) {
                return head;
            }
            (self.rest, self.at) = (rest, 0);
        }
        &[]
    }

    /// Copies as much as `to` takes from the front; answers how much.
    pub(crate) fn gather(&mut self, to: &mut [u8]) -> usize {
        let mut n = 0;
        while let Some(room) = to.get_mut(n..).filter(|r| !r.is_empty()) {
            let head = self.head();
            let len = head.len().min(room.len());
            let (Some(room), Some(head)) = (room.get_mut(..len), head.get(..len)) else {
                break;
            };
            if len == 0 {
                break;
            }
            room.copy_from_slice(head);
            self.at += len;
            n += len;
        }
        n
    }
}

/// Lets rustls seal up to a batch of `bufs` into `output`; answers how much plaintext that was.
/// Slices are gathered first, so that a frame header does not become a record of its own.
pub(crate) fn seal<D>(
    traffic: &mut WriteTraffic<'_, D>,
    bufs: &[IoSlice<'_>],
    output: &mut Output,
) -> Result<usize, EncryptError> {
    let mut slices = Slices::new(bufs);
    let mut scratch = Buffer::small();
    let mut taken = 0;
    while taken < BATCH {
        let room = RECORD.min(BATCH - taken);
        let n = slices.gather(scratch.payload_mut().get_mut(..room).unwrap_or_default());
        if n == 0 {
            break;
        }
        let plain = scratch.payload().get(..n).unwrap_or_default();
        let sealed = traffic.encrypt(plain, output.room(bound(n)))?;
        output.fill(sealed);
        taken += n;
    }
    Ok(taken)
}
