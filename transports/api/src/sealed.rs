//! Ciphertext on its way out, for streams that encrypt.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use culvert_io::{Buffer, Io};

/// Ciphertext that still has to leave; it must not be made again, the cipher has moved on.
pub(crate) struct Sealed {
    buffer: Buffer,
    sent: usize,
    filled: usize,
}

impl Sealed {
    /// The first `filled` bytes of the payload of `buffer`.
    pub(crate) const fn new(buffer: Buffer, filled: usize) -> Self {
        Self {
            buffer,
            sent: 0,
            filled,
        }
    }

    /// Sends `pending` until nothing of it is left; the buffer goes back to the pool then.
    pub(crate) fn poll_drain<S: Io>(
        pending: &mut Option<Self>,
        to: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while let Some(sealed) = pending {
            let rest = sealed
                .buffer
                .payload()
                .get(sealed.sent..sealed.filled)
                .unwrap_or_default();
            if rest.is_empty() {
                *pending = None;
                break;
            }
            let n = ready!(Pin::new(&mut *to).poll_write(cx, rest))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            sealed.sent += n;
        }
        Poll::Ready(Ok(()))
    }
}

/// Copies what fits of `bytes` to `room` from `at` on; answers how much that was.
pub(crate) fn put(room: &mut [u8], at: usize, bytes: &[u8]) -> usize {
    let room = room.get_mut(at..).unwrap_or_default();
    let n = room.len().min(bytes.len());
    if let (Some(room), Some(bytes)) = (room.get_mut(..n), bytes.get(..n)) {
        room.copy_from_slice(bytes);
    }
    n
}
