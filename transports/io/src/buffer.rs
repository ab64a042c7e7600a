//! Buffers lent from a per-thread pool, so that an idle connection holds none.

use std::{cell::RefCell, fmt};

use crate::{FastPath, FastPaths, trim};

/// A lent buffer; dropping it gives it back to the pool of the thread that drops it.
///
/// The contents are initialised but arbitrary: read into it before you read from it.
pub struct Buffer {
    bytes: Option<Box<[u8]>>,
}

/// How many buffers of each class a thread keeps for reuse. Measured: 16 serve a busy session.
const KEPT: usize = 16;

/// How many of them light traffic needs: two layers that each hold one in either direction. Above
/// that, memory goes back to the system once the traffic pauses.
const LIGHT: usize = 4;

thread_local! {
    static POOL: [RefCell<Vec<Box<[u8]>>>; 2] = const { [RefCell::new(Vec::new()), RefCell::new(Vec::new())] };
}

impl Buffer {
    /// Free bytes in front of the payload, for the header of the layer below: yamux needs 12.
    pub const HEADROOM: usize = 16;
    /// Payload of a small buffer: enough for interactive traffic and for compressed chunks.
    pub const SMALL: usize = 16 * 1024;
    /// Payload of a large buffer: 256 KiB frames cost 0.73 s/GiB against 1.0 for 64 KiB ones.
    pub const LARGE: usize = 256 * 1024;

    /// Borrows a buffer with [`SMALL`](Self::SMALL) bytes of payload after the headroom.
    #[must_use]
    pub fn small() -> Self {
        Self::take(0, Self::SMALL)
    }

    /// Borrows a buffer with [`LARGE`](Self::LARGE) bytes of payload after the headroom.
    #[must_use]
    pub fn large() -> Self {
        Self::take(1, Self::LARGE)
    }

    /// Frees what the pool of this thread keeps.
    pub(crate) fn forget_kept() {
        // During thread exit the pool is gone, and with it what it kept.
        let _gone = POOL.try_with(|pool| {
            for kept in pool {
                drop(std::mem::take(&mut *kept.borrow_mut()));
            }
        });
    }

    fn take(class: usize, payload: usize) -> Self {
        let kept = POOL
            .try_with(|pool| pool.get(class).and_then(|p| p.borrow_mut().pop()))
            .ok()
            .flatten();
        let bytes = kept.unwrap_or_else(|| vec![0; Self::HEADROOM + payload].into_boxed_slice());
        Self { bytes: Some(bytes) }
    }

    /// The room for payload: everything after the headroom.
    pub fn payload_mut(&mut self) -> &mut [u8] {
        self.all_mut().get_mut(Self::HEADROOM..).unwrap_or_default()
    }

    /// The payload room, to read from.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.as_ref().get(Self::HEADROOM..).unwrap_or_default()
    }

    /// Headroom and payload together, for a layer that writes its header in front.
    pub fn all_mut(&mut self) -> &mut [u8] {
        self.bytes.as_deref_mut().unwrap_or_default()
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_deref().unwrap_or_default()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let Some(bytes) = self.bytes.take() else {
            return;
        };
        let class = usize::from(bytes.len() > Self::HEADROOM + Self::SMALL);
        // During thread exit the pool is gone; then the buffer is freed.
        let _gone = POOL.try_with(|pool| {
            let Some(mut kept) = pool.get(class).map(RefCell::borrow_mut) else {
                return;
            };
            let keeps = FastPaths::default().takes(FastPath::Pool);
            if kept.len() >= LIGHT || !keeps {
                trim::spilled();
            }
            if kept.len() < KEPT && keeps {
                kept.push(bytes);
            }
        });
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("len", &self.as_ref().len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn kept() -> [usize; 2] {
        POOL.with(|pool| [pool[0].borrow().len(), pool[1].borrow().len()])
    }

    #[test]
    fn what_is_kept_can_be_forgotten() {
        alone(|| {
            drop((Buffer::small(), Buffer::large()));
            assert_eq!(kept(), [1, 1]);
            Buffer::forget_kept();
            assert_eq!(kept(), [0, 0]);
        });
    }

    /// Every test has a thread, and so a pool, of its own.
    fn alone(test: impl FnOnce() + Send + 'static) {
        thread::spawn(test).join().unwrap();
    }

    #[test]
    fn sizes_are_as_named() {
        let (mut small, mut large) = (Buffer::small(), Buffer::large());
        assert_eq!(small.payload().len(), Buffer::SMALL);
        assert_eq!(small.payload_mut().len(), Buffer::SMALL);
        assert_eq!(large.payload_mut().len(), Buffer::LARGE);
        assert_eq!(large.all_mut().len(), Buffer::HEADROOM + Buffer::LARGE);
        assert_eq!(large.as_ref().len(), Buffer::HEADROOM + Buffer::LARGE);
    }

    #[test]
    fn a_buffer_given_back_is_lent_again() {
        alone(|| {
            let mut buffer = Buffer::large();
            buffer.payload_mut()[0] = 42;
            drop(buffer);
            drop(Buffer::small());
            assert_eq!(kept(), [1, 1]);
            assert_eq!(Buffer::large().payload()[0], 42);
            assert_eq!(Buffer::small().payload().len(), Buffer::SMALL);
        });
    }

    #[test]
    fn only_so_many_are_kept() {
        alone(|| {
            drop((0..KEPT + 5).map(|_| Buffer::small()).collect::<Vec<_>>());
            assert_eq!(kept(), [KEPT, 0]);
        });
    }

    #[test]
    fn a_buffer_goes_to_the_thread_that_drops_it() {
        alone(|| {
            let buffer = Buffer::small();
            alone(move || {
                drop(buffer);
                assert_eq!(kept(), [1, 0]);
            });
            assert_eq!(kept(), [0, 0]);
        });
    }
}
