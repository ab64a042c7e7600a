//! Joins the protocol to a byte stream: one task per session, and one lock.
//!
//! The driver task reads, keeps time and sends what is staged. Large frames are sent by the task
//! of the stream that wrote them, with the driver's waker: whoever finds the transport full, it is
//! the driver that goes on when it has room again. So the transport sees one waker only.

use std::{
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use culvert_io::{Buffer, Stream};
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::Notify,
    time::{Instant, Sleep},
};

use crate::{
    MuxError,
    core::{Core, Received},
};

/// What the driver, the handles and the streams of a session share.
#[derive(Debug)]
pub(crate) struct Shared {
    inner: Mutex<Inner>,
    pub(crate) incoming: Notify,
    pub(crate) slots: Notify,
    pub(crate) gone: Notify,
}

/// What keeps a session alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// Handles exist.
    Handles,
    /// The last handle was dropped: the session ends with its last stream.
    Streams,
}

/// The protocol with its transport.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) core: Core,
    /// The transport, until the session is gone.
    io: Option<Stream>,
    driver: Option<Waker>,
    /// The driver is on its way and need not be woken.
    kicked: bool,
    /// The transport is full and will wake the driver.
    blocked: bool,
    /// Something was written and not flushed.
    unflushed: bool,
    /// When the driver will look at the time of its own accord.
    armed: Option<Instant>,
    /// An ended session sends what is queued until then.
    linger: Option<Instant>,
    owner: Owner,
    write_timeout: Duration,
}

impl Shared {
    pub(crate) fn new(core: Core, io: Stream, write_timeout: Duration) -> Self {
        Self {
            inner: Mutex::new(Inner {
                core,
                io: Some(io),
                driver: None,
                kicked: false,
                blocked: false,
                unflushed: false,
                armed: None,
                linger: None,
                owner: Owner::Handles,
                write_timeout,
            }),
            incoming: Notify::new(),
            slots: Notify::new(),
            gone: Notify::new(),
        }
    }

    /// Works on the session, and wakes whom that concerns after the lock is released.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut Inner) -> R) -> R {
        let mut inner = self.inner.lock();
        let result = work(&mut inner);
        let driver = inner.driver_to_wake();
        let wakes = inner.core.take_wakes();
        let signals = inner.core.take_signals();
        let ended = inner.core.ended().is_some();
        let gone = inner.io.is_none();
        drop(inner);
        for waker in wakes {
            waker.wake();
        }
        if ended {
            self.incoming.notify_waiters();
            self.slots.notify_waiters();
        }
        if gone {
            self.gone.notify_waiters();
        }
        for _ in 0..signals.incoming {
            self.incoming.notify_one();
        }
        for _ in 0..signals.slots {
            self.slots.notify_one();
        }
        if let Some(driver) = driver {
            driver.wake();
        }
        result
    }
}

impl Inner {
    /// The driver's waker if there is work for it that it does not know of.
    fn driver_to_wake(&mut self) -> Option<Waker> {
        if self.kicked || self.io.is_none() {
            return None;
        }
        let to_send = self.core.queued() > 0 && !self.blocked;
        let to_end = self.core.ended().is_some();
        let late = match (self.core.deadline(), self.armed) {
            (Some(due), Some(armed)) => due < armed,
            (due, None) => due.is_some(),
            (None, Some(_)) => false,
        };
        if !(to_send || to_end || late) {
            return None;
        }
        self.kicked = true;
        self.driver.clone()
    }

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
        while self.core.queued() > 0 {
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            let used = self.core.transmit(&mut slices);
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
        self.core.output_flows();
        Poll::Ready(Ok(()))
    }

    /// Ends the session for `why`. What is queued is still sent where that makes sense: all of it
    /// on an ordinary close, a go-away after a broken protocol.
    pub(crate) fn fail(&mut self, why: MuxError) {
        if self.core.ended().is_some() {
            return;
        }
        let linger = match why {
            MuxError::Closed => Some(self.write_timeout),
            MuxError::Protocol(_) => Some(GO_AWAY_TIME),
            _ => None,
        };
        tracing::debug!(error = %why, "yamux session ends");
        self.core.end(why);
        match linger {
            Some(time) => self.linger = Some(Instant::now() + time),
            None => self.cut(),
        }
    }

    /// Lets go of the transport.
    fn cut(&mut self) {
        self.io = None;
        self.driver = None;
        self.core.abandon_output();
    }

    /// Whether the transport is gone.
    pub(crate) const fn is_gone(&self) -> bool {
        self.io.is_none()
    }

    /// The last handle was dropped.
    pub(crate) fn orphan(&mut self) {
        self.owner = Owner::Streams;
        self.end_if_unused();
    }

    /// Ends a session without handles when its last stream is gone.
    pub(crate) fn end_if_unused(&mut self) {
        if self.owner == Owner::Streams && self.core.in_use() == 0 {
            self.fail(MuxError::Closed);
        }
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
        let result = if len < SHARE_FROM {
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
        if Pin::new(io).poll_shutdown(cx).is_pending() {
            return Poll::Pending;
        }
        self.cut();
        Poll::Ready(())
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
/// Bytes read in one turn, before the streams get theirs.
const TURN: usize = 64 * 1024;
/// A shorter read is copied out as a whole, so its buffer goes straight back to the pool.
const SHARE_FROM: usize = 4 * 1024;
/// How long a broken session tries to say so.
const GO_AWAY_TIME: Duration = Duration::from_secs(1);
