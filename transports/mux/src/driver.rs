//! Joins the protocol to a byte stream: one task per session.
//!
//! The driver task reads, keeps time and sends what is staged. Large frames are sent by the task
//! of the stream that wrote them, with the driver's waker: whoever finds the transport full, it is
//! the driver that goes on when it has room again. So the transport sees one waker only.

use std::{
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use culvert_io::{Buffer, FastPath};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};

use crate::{
    MuxError,
    core::Received,
    shared::{Direction, Inner, Shared},
};

impl Inner {
    /// Sends what is queued right away, from the task of a stream.
    pub(crate) fn send_now(&mut self) {
        if self.blocked {
            return;
        }
        // Before its first turn the driver has no waker; then the frame waits for that turn.
        let Some(driver) = self.driver.clone() else {
            return;
        };
        if let Poll::Ready(Err(e)) = self.pump(&mut Context::from_waker(&driver)) {
            self.fail(MuxError::Io(e));
        }
    }

    /// Hands output to the transport until it is full or nothing is left.
    fn pump(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(io) = &mut self.io else {
            return Poll::Ready(Ok(()));
        };
        let mut io = Pin::new(io);
        let mut moved = !self.blocked;
        let vectored = self.core.config().fast_paths.takes(FastPath::Vectored);
        let most = if vectored { MAX_SLICES } else { 1 };
        while self.core.queued() > 0 {
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            let used = self
                .core
                .transmit(slices.get_mut(..most).unwrap_or_default());
            let slices = slices.get(..used).unwrap_or_default();
            let sent = match slices {
                [one] => io.as_mut().poll_write(cx, one),
                many => io.as_mut().poll_write_vectored(cx, many),
            };
            match sent {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(n)) => self.core.transmitted(n),
                Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
                Poll::Pending => {
                    self.blocked = true;
                    if moved {
                        self.core.output_waits(Instant::now());
                    }
                    return Poll::Pending;
                }
            }
            moved = true;
            self.unflushed = true;
        }
        if self.unflushed {
            match io.poll_flush(cx) {
                Poll::Ready(Ok(())) => self.unflushed = false,
                Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
                Poll::Pending => {
                    self.blocked = true;
                    if moved {
                        self.core.output_waits(Instant::now());
                    }
                    return Poll::Pending;
                }
            }
        }
        self.blocked = false;
        self.core.output_flows(Instant::now);
        Poll::Ready(Ok(()))
    }

    /// Reads until the transport has nothing more, or enough for one turn. Answers whether to
    /// come back at once.
    fn fill(&mut self, cx: &mut Context<'_>) -> bool {
        let mut total = 0;
        while let Some(io) = &mut self.io {
            let mut buffer = if self.core.is_authenticated() {
                Buffer::large()
            } else {
                Buffer::small()
            };
            let mut space = ReadBuf::new(buffer.payload_mut());
            let read = Pin::new(io).poll_read(cx, &mut space);
            let len = space.filled().len();
            match read {
                Poll::Pending => return false,
                Poll::Ready(Err(e)) => self.fail(MuxError::Io(e)),
                Poll::Ready(Ok(())) if len == 0 => self.fail(MuxError::Eof),
                Poll::Ready(Ok(())) => {
                    total += len;
                    self.digest(buffer, len);
                }
            }
            if self.core.ended().is_some() {
                return false;
            }
            // Let the streams take what came before more comes.
            if total >= TURN {
                return true;
            }
        }
        false
    }

    fn digest(&mut self, buffer: Buffer, len: usize) {
        let now = Instant::now();
        let result = if len < self.core.config().share_from() {
            let bytes = buffer.payload().get(..len).unwrap_or_default();
            self.core.receive(Received::Lent(bytes), now)
        } else {
            let bytes = Bytes::from_owner(buffer);
            let bytes = bytes.slice(Buffer::HEADROOM..Buffer::HEADROOM + len);
            self.core.receive(Received::Shared(&bytes), now)
        };
        if let Err(e) = result {
            self.fail(e);
        }
    }

    /// One turn of the driver. Ready when the transport is gone.
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.kicked = true;
        if !self
            .driver
            .as_ref()
            .is_some_and(|w| w.will_wake(cx.waker()))
        {
            self.driver = Some(cx.waker().clone());
        }
        self.core.on_time(Instant::now());
        if self.core.ended().is_some() && self.linger.is_none() {
            self.cut();
            return Poll::Ready(());
        }
        if let Poll::Ready(Err(e)) = self.pump(cx) {
            self.fail(MuxError::Io(e));
            self.linger = None;
        }
        let mut again = false;
        if self.core.ended().is_none() {
            again = self.fill(cx);
        }
        if self.core.ended().is_some() {
            return self.wind_down(cx);
        }
        // Answers staged while reading go out now, unless streams were woken: theirs may share
        // the call.
        if self.core.queued() > 0 && !self.blocked {
            again |= self.core.has_wakes();
            if !again && let Poll::Ready(Err(e)) = self.pump(cx) {
                self.fail(MuxError::Io(e));
                return self.wind_down(cx);
            }
        }
        self.kicked = again;
        if again {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// The last turns of an ended session: what is queued, then the end of the transport.
    fn wind_down(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let over = self.linger.is_none_or(|at| at <= Instant::now());
        if over {
            self.cut();
            return Poll::Ready(());
        }
        match self.pump(cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(_)) => {
                self.cut();
                return Poll::Ready(());
            }
            Poll::Pending => return Poll::Pending,
        }
        let Some(io) = &mut self.io else {
            return Poll::Ready(());
        };
        let mut io = Pin::new(io);
        if self.direction == Direction::Open {
            if io.as_mut().poll_shutdown(cx).is_pending() {
                return Poll::Pending;
            }
            self.direction = Direction::Shut;
            let drained = Instant::now() + DRAIN_TIME;
            self.linger = self.linger.map(|at| at.min(drained));
        }
        let mut waste = Buffer::small();
        for _ in 0..MAX_DRAINS {
            let mut space = ReadBuf::new(waste.payload_mut());
            match io.as_mut().poll_read(cx, &mut space) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !space.filled().is_empty() => {}
                Poll::Ready(_) => {
                    self.cut();
                    return Poll::Ready(());
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn next_time(&self) -> Option<Instant> {
        if self.core.ended().is_some() {
            return self.linger;
        }
        self.core.deadline()
    }
}

/// The driver as a future; dropping it ends the session at once.
pub(crate) struct Driver<S> {
    shared: Arc<Shared>,
    /// Completes when the session is told to stop.
    stop: Option<Pin<Box<S>>>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl<S: Future<Output = ()>> Driver<S> {
    pub(crate) fn new(shared: Arc<Shared>, stop: S) -> Self {
        Self {
            shared,
            stop: Some(Box::pin(stop)),
            sleep: None,
        }
    }

    /// Arms the timer for `at` or earlier; `true` when `at` is past. A timer that is set too early
    /// is left to fire, as deadlines mostly move on.
    fn is_due(&mut self, at: Instant, cx: &mut Context<'_>) -> bool {
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if at < sleep.deadline() {
            sleep.as_mut().reset(at);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if at <= sleep.deadline() {
                return true;
            }
            sleep.as_mut().reset(at);
        }
        false
    }

    fn armed(&self) -> Option<Instant> {
        self.sleep.as_ref().map(|sleep| sleep.deadline())
    }
}

impl<S: Future<Output = ()>> Future for Driver<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let stopped = this
            .stop
            .as_mut()
            .is_some_and(|stop| stop.as_mut().poll(cx).is_ready());
        if stopped {
            this.stop = None;
        }
        let shared = Arc::clone(&this.shared);
        loop {
            let armed = this.armed();
            let (turn, next) = shared.with(|inner| {
                if stopped {
                    inner.fail(MuxError::Closed);
                }
                let turn = inner.turn(cx);
                let next = inner.next_time();
                inner.armed = earliest(armed, next);
                (turn, next)
            });
            if turn.is_ready() {
                return Poll::Ready(());
            }
            if !next.is_some_and(|at| this.is_due(at, cx)) {
                return Poll::Pending;
            }
        }
    }
}

impl<S> Drop for Driver<S> {
    fn drop(&mut self) {
        self.shared.with(|inner| {
            inner.fail(MuxError::Closed);
            inner.cut();
        });
    }
}

fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    a.into_iter().chain(b).min()
}

/// Slices per system call (measured: more bring nothing).
const MAX_SLICES: usize = 64;
/// Reads in one turn whose bytes nobody wants.
const MAX_DRAINS: usize = 16;
/// Bytes read in one turn, before the streams get theirs.
const TURN: usize = 64 * 1024;
/// How long an ended session waits for the peer to close as well: a socket that is closed with
/// unread bytes resets the connection, and the peer may lose the last of what we sent.
const DRAIN_TIME: Duration = Duration::from_millis(500);
