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
struct Slices<'a> {
    rest: &'a [IoSlice<'a>],
    at: usize,
}

impl<'a> Slices<'a> {
    /// What is left of the first slice that is not used up, and whether others follow it.
    fn head(&mut self) -> (&'a [u8], bool) {
        while let Some((first, rest)) = self.rest.split_first() {
            if let Some(head) = first.get(self.at..).filter(|h| !h.is_empty()) {
                return (head, rest.iter().any(|s| !s.is_empty()));
            }
            (self.rest, self.at) = (rest, 0);
        }
        (&[], false)
    }

    /// Copies up to a record's worth from the front; answers how much.
    fn gather(&mut self, to: &mut [u8]) -> usize {
        let mut n = 0;
        while let Some(room) = to.get_mut(n..).filter(|r| !r.is_empty()) {
            let (head, _) = self.head();
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

/// Seals up to a batch of `bufs` into `output`; answers how much plaintext that was.
///
/// Long slices are sealed where they lie. Short ones are gathered first, so that a frame header
/// does not become a record of its own.
pub(crate) fn seal<D>(
    traffic: &mut WriteTraffic<'_, D>,
    bufs: &[IoSlice<'_>],
    output: &mut Output,
) -> Result<usize, EncryptError> {
    let mut slices = Slices { rest: bufs, at: 0 };
    let mut scratch = None;
    let mut taken = 0;
    while taken < BATCH {
        let left = BATCH - taken;
        let (head, more) = slices.head();
        let direct = if more {
            head.len().min(left) / RECORD * RECORD
        } else {
            head.len().min(left)
        };
        let n = if direct > 0 || head.is_empty() {
            let plain = head.get(..direct).unwrap_or_default();
            slices.at += direct;
            put(traffic, plain, output)?
        } else {
            let scratch = scratch.get_or_insert_with(Buffer::small).payload_mut();
            let n = slices.gather(scratch.get_mut(..RECORD.min(left)).unwrap_or_default());
            put(traffic, scratch.get(..n).unwrap_or_default(), output)?
        };
        if n == 0 {
            break;
        }
        taken += n;
    }
    Ok(taken)
}

fn put<D>(
    traffic: &mut WriteTraffic<'_, D>,
    plain: &[u8],
    output: &mut Output,
) -> Result<usize, EncryptError> {
    let sealed = traffic.encrypt(plain, output.room(bound(plain.len())))?;
    output.fill(sealed);
    Ok(plain.len())
}
