//! Ciphertext that still has to leave: one lent buffer while there is some, nothing while idle.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use culvert_io::{Buffer, Stream};
use tokio::io::AsyncWrite;

use crate::seal::{BATCH, bound};

/// Sealed bytes, sent from the front.
#[derive(Debug, Default)]
pub(crate) struct Output {
    lent: Option<Lent>,
    sent: usize,
    filled: usize,
}

#[derive(Debug)]
enum Lent {
    Small(Buffer),
    Large(Large),
}

/// A buffer for a whole batch of records, from a pool of this thread.
#[derive(Debug)]
struct Large(Box<[u8]>);

/// Room for a full batch, and for what rustls wants to say besides (tickets, key updates).
const LARGE: usize = bound(BATCH) + 64 * 1024;
/// How many large buffers a thread keeps: they are only held while a socket is full.
const KEPT: usize = 4;

thread_local! {
    static POOL: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

impl Large {
    fn take() -> Self {
        let kept = POOL.try_with(|pool| pool.borrow_mut().pop()).ok().flatten();
        Self(kept.unwrap_or_else(|| vec![0; LARGE].into_boxed_slice()))
    }
}

impl Drop for Large {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.0);
        // During thread exit the pool is gone; then the buffer is freed.
        let _gone = POOL.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            if pool.len() < KEPT {
                pool.push(bytes);
            }
        });
    }
}

impl Lent {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Small(buffer) => buffer.payload(),
            Self::Large(large) => &large.0,
        }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Small(buffer) => buffer.payload_mut(),
            Self::Large(large) => &mut large.0,
        }
    }
}

impl Output {
    pub(crate) const fn is_empty(&self) -> bool {
        self.sent == self.filled
    }

    /// What is sealed and not sent.
    pub(crate) fn waiting(&self) -> &[u8] {
        let bytes = self.lent.as_ref().map(Lent::bytes).unwrap_or_default();
        bytes.get(self.sent..self.filled).unwrap_or_default()
    }

    /// Free room of at least `want` bytes, or as much as a large buffer has.
    pub(crate) fn room(&mut self, want: usize) -> &mut [u8] {
        let filled = self.filled;
        let have = self.lent.as_ref().map_or(0, |l| l.bytes().len());
        if have.saturating_sub(filled) < want {
            self.grow(want);
        }
        self.lent
            .as_mut()
            .and_then(|l| l.bytes_mut().get_mut(filled..))
            .unwrap_or_default()
    }

    fn grow(&mut self, want: usize) {
        if self.filled.saturating_add(want) <= Buffer::SMALL && self.lent.is_none() {
            self.lent = Some(Lent::Small(Buffer::small()));
            return;
        }
        if matches!(self.lent, Some(Lent::Large(_))) {
            return;
        }
        let mut large = Large::take();
        if let Some(small) = &self.lent
            && let Some(from) = small.bytes().get(..self.filled)
            && let Some(to) = large.0.get_mut(..self.filled)
        {
            to.copy_from_slice(from);
        }
        self.lent = Some(Lent::Large(large));
    }

    /// `n` bytes of the room were filled.
    pub(crate) const fn fill(&mut self, n: usize) {
        self.filled += n;
    }

    /// Sends what there is, with as few writes as the stream below allows.
    pub(crate) fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
    ) -> Poll<io::Result<()>> {
        while !self.is_empty() {
            let n = ready!(Pin::new(&mut *stream).poll_write(cx, self.waiting()))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += n;
        }
        *self = Self::default();
        Poll::Ready(Ok(()))
    }
}
