//! The state of a session, shared by its driver, its handles and its streams under one lock.

use std::{task::Waker, time::Duration};

use culvert_io::Stream;
use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

use crate::{MuxError, core::Core};

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

/// Our direction of the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Open,
    /// The peer was told that nothing more comes.
    Shut,
}

/// The protocol with its transport.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) core: Core,
    /// The transport, until the session is gone.
    pub(crate) io: Option<Stream>,
    pub(crate) driver: Option<Waker>,
    /// The driver is on its way and need not be woken.
    pub(crate) kicked: bool,
    /// The transport is full and will wake the driver.
    pub(crate) blocked: bool,
    /// Something was written and not flushed.
    pub(crate) unflushed: bool,
    /// When the driver will look at the time of its own accord.
    pub(crate) armed: Option<Instant>,
    /// An ended session sends what is queued until then.
    pub(crate) linger: Option<Instant>,
    pub(crate) direction: Direction,
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
                direction: Direction::Open,
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
        let refusing = inner.core.is_refusing();
        drop(inner);
        for waker in wakes {
            waker.wake();
        }
        if ended {
            self.incoming.notify_waiters();
        }
        if ended || refusing {
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
    pub(crate) fn cut(&mut self) {
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
}

/// How long a broken session tries to say so.
const GO_AWAY_TIME: Duration = Duration::from_secs(1);
