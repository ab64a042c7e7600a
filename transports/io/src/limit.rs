//! Holds streams to a bandwidth: a token bucket, and the layer that pays from it for its bytes.

use std::{
    io,
    num::NonZeroU64,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use crate::Stream;

/// How much may be saved up while nothing moves: the bytes of one second (protocol 5.1).
const BURST: Duration = Duration::from_secs(1);

/// Into how many pieces the bytes of a second are cut. Streams queue with one piece each, so this
/// is how even their shares are; small enough that a read which is a piece ahead does not matter.
const PIECES: u64 = 16;

/// The largest piece: as much as upstream moves at a time (golib `io/io.go`).
const LARGEST: u64 = 16 * 1024;

/// The bandwidth of one proxy, shared by all its connections and both directions.
///
/// Whoever moves bytes takes their time from the bucket and waits until that time has come, so
/// streams are served in the order of their asking.
#[derive(Debug)]
pub struct Limit {
    bytes_per_second: NonZeroU64,
    /// Until when the bandwidth is taken; in the past when there is some saved up.
    taken: Mutex<Option<Instant>>,
}

impl Limit {
    /// A bucket that is full: bytes of one second may go at once.
    #[must_use]
    pub const fn new(bytes_per_second: NonZeroU64) -> Self {
        Self {
            bytes_per_second,
            taken: Mutex::new(None),
        }
    }

    /// Takes `bytes` from the bucket; answers when their time has come.
    fn take(&self, bytes: usize) -> Instant {
        let now = Instant::now();
        // A clock that began less than a second ago has nothing saved up.
        let full = now.checked_sub(BURST).unwrap_or(now);
        let mut taken = self.taken.lock();
        let from = taken.map_or(full, |taken| taken.max(full));
        let until = from + self.time_of(bytes);
        *taken = Some(until);
        until
    }

    fn time_of(&self, bytes: usize) -> Duration {
        let nanos = (bytes as u128 * BURST.as_nanos()).div_ceil(self.bytes_per_second.get().into());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The most bytes that one stream takes the time of at once.
    fn piece(&self) -> usize {
        let piece = (self.bytes_per_second.get() / PIECES).clamp(1, LARGEST);
        usize::try_from(piece).unwrap_or(usize::MAX)
    }
}

impl Stream {
    /// The same stream, held to `limit` in both directions.
    ///
    /// What is written waits before it goes. What was read is handed on at once, and the next read
    /// waits, so that a read is ahead of the limit by one small piece at most.
    #[must_use]
    pub fn limited(self, limit: Arc<Limit>) -> Self {
        self.map(|inner| Limited {
            inner,
            limit,
            read: Gate::default(),
            write: Gate::default(),
            paid: 0,
        })
    }
}

/// A stream that pays for its bytes. It keeps none of them.
struct Limited {
    inner: Stream,
    limit: Arc<Limit>,
    read: Gate,
    write: Gate,
    /// Bytes that are taken from the bucket and not yet written.
    paid: usize,
}

/// Shut until a time comes; holds memory only then.
#[derive(Default)]
struct Gate(Option<Pin<Box<Sleep>>>);

impl Gate {
    fn shut(&mut self, until: Instant) {
        if until > Instant::now() {
            self.0 = Some(Box::pin(sleep_until(until)));
        }
    }

    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(sleep) = &mut self.0 {
            ready!(sleep.as_mut().poll(cx));
            self.0 = None;
        }
        Poll::Ready(())
    }
}

impl AsyncRead for Limited {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(this.read.poll_open(cx));
        let most = buf.remaining().min(this.limit.piece());
        let mut piece = ReadBuf::new(buf.initialize_unfilled_to(most));
        ready!(Pin::new(&mut this.inner).poll_read(cx, &mut piece))?;
        let n = piece.filled().len();
        buf.advance(n);
        if n > 0 {
            this.read.shut(this.limit.take(n));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Limited {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.paid == 0 && !buf.is_empty() {
            let n = buf.len().min(this.limit.piece());
            this.write.shut(this.limit.take(n));
            this.paid = n;
        }
        ready!(this.write.poll_open(cx));
        let piece = buf.get(..this.paid).unwrap_or(buf);
        let n = ready!(Pin::new(&mut this.inner).poll_write(cx, piece))?;
        this.paid = this.paid.saturating_sub(n);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
