//! How a server does, by what it answers: when it was logged in at, and how long its answers take.
//! Time comes in as an argument.

use std::{collections::VecDeque, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

/// How often a server is asked when there are several: seldom enough to cost nothing, and often
/// enough that a silent death is seen within [`PROBE`] and [`PATIENCE`] together.
pub(crate) const PROBE: Duration = Duration::from_secs(1);
/// How long an answer may take before the server counts as silent. A lost datagram is sent again
/// within a third of it (RFC 6298, section 2: 1 s at first, far less once a round trip is known).
const PATIENCE: Duration = Duration::from_millis(1500);
/// A server that is far away gets as many of its round trips, if that is longer.
const ROUND_TRIPS: u32 = 4;
/// Questions without an answer that are remembered. A session ends long before there are as many.
const OPEN: usize = 128;
/// Answers of which the fastest counts: what waits behind our own traffic says little of the way.
const RECENT: usize = 5;

/// What is known of a server at some moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Sight {
    /// Nothing yet.
    Unknown,
    /// There is no session.
    Down,
    /// There is a session, and it has been silent for too long.
    Silent,
    /// There is a session that answers.
    Up(Up),
}

/// A server that answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Up {
    /// Since when it does, without a pause.
    pub(crate) since: Instant,
    /// The fastest of its last answers; `None` before the first.
    pub(crate) round_trip: Option<Duration>,
    /// How many answers there were.
    pub(crate) answers: u64,
}

impl Sight {
    /// What the server does, if it answers.
    pub(crate) const fn up(&self) -> Option<Up> {
        match self {
            Self::Up(up) => Some(*up),
            Self::Unknown | Self::Down | Self::Silent => None,
        }
    }

    /// Its word in APIs.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Unknown => "connecting",
            Self::Down => "down",
            Self::Silent => "silent",
            Self::Up(_) => "up",
        }
    }
}

/// What was seen of a server.
#[derive(Debug, Default)]
pub(crate) struct Vitals(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Whether a login was tried to its end.
    is_tried: bool,
    /// Since when there is a session that answers.
    since: Option<Instant>,
    /// When the questions without an answer left.
    open: VecDeque<Instant>,
    recent: VecDeque<Duration>,
    answers: u64,
}

impl Vitals {
    /// A login succeeded.
    pub(crate) fn online(&self, now: Instant) {
        let mut inner = self.0.lock();
        *inner = Inner {
            is_tried: true,
            since: Some(now),
            ..Inner::default()
        };
    }

    /// A login failed, or the session is over.
    pub(crate) fn offline(&self) {
        *self.0.lock() = Inner {
            is_tried: true,
            ..Inner::default()
        };
    }

    /// A question leaves.
    pub(crate) fn asked(&self, now: Instant) {
        let mut inner = self.0.lock();
        if inner.open.len() < OPEN {
            inner.open.push_back(now);
        }
    }

    /// An answer came; answers come in the order of their questions.
    pub(crate) fn answered(&self, now: Instant) {
        let mut inner = self.0.lock();
        let Some(asked) = inner.open.pop_front() else {
            return;
        };
        let took = now.saturating_duration_since(asked);
        if took > inner.patience() && inner.since.is_some() {
            inner.since = Some(now);
        }
        if inner.recent.len() >= RECENT {
            inner.recent.pop_front();
        }
        inner.recent.push_back(took);
        inner.answers = inner.answers.wrapping_add(1);
    }

    /// Another control stream takes over, where nobody answers what was asked on the last.
    pub(crate) fn forget(&self, now: Instant) {
        let mut inner = self.0.lock();
        if inner.silent_at().is_some_and(|at| now >= at) {
            inner.since = inner.since.and(Some(now));
        }
        inner.open.clear();
    }

    /// What is known at `now`.
    pub(crate) fn sight(&self, now: Instant) -> Sight {
        let inner = self.0.lock();
        match inner.since {
            None if inner.is_tried => Sight::Down,
            None => Sight::Unknown,
            Some(_) if inner.silent_at().is_some_and(|at| now >= at) => Sight::Silent,
            Some(since) => Sight::Up(Up {
                since,
                round_trip: inner.recent.iter().min().copied(),
                answers: inner.answers,
            }),
        }
    }

    /// When it counts as silent, unless it answers before; `None` while it owes no answer.
    pub(crate) fn silent_at(&self) -> Option<Instant> {
        self.0.lock().silent_at()
    }
}

impl Inner {
    fn patience(&self) -> Duration {
        let far = self.recent.iter().min().map(|trip| *trip * ROUND_TRIPS);
        far.map_or(PATIENCE, |far| far.max(PATIENCE))
    }

    fn silent_at(&self) -> Option<Instant> {
        Some(*self.open.front()? + self.patience())
    }
}

#[cfg(test)]
mod tests;
