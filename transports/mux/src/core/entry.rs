//! The state of one stream.

use std::task::{Context, Waker};

use tokio::time::Instant;

use super::{credit::Credit, inbox::Inbox, outbox::Place};
use crate::config::INITIAL_WINDOW;

/// How far a stream has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Open,
    /// We sent FIN.
    LocalDone,
    /// The peer sent FIN.
    RemoteDone,
    /// Both sent FIN; nothing more may come.
    Done,
    /// Either side sent RST.
    Reset,
}

impl Phase {
    /// Whether frames still belong to the stream (upstream forgets it otherwise).
    pub(crate) const fn is_live(self) -> bool {
        matches!(self, Self::Open | Self::LocalDone | Self::RemoteDone)
    }

    pub(crate) const fn may_write(self) -> bool {
        matches!(self, Self::Open | Self::RemoteDone)
    }

    pub(crate) const fn may_receive(self) -> bool {
        matches!(self, Self::Open | Self::LocalDone)
    }
}

/// One stream. About 290 bytes when idle, and nothing on the heap.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) inbox: Inbox,
    pub(crate) credit: Credit,
    /// What we may still send.
    pub(crate) send_window: u32,
    pub(crate) phase: Phase,
    /// Somebody reads, or will: a stream value exists, or it waits to be accepted.
    pub(crate) held: bool,
    /// The open is complete: acknowledged by the peer, or opened by it.
    pub(crate) acked: bool,
    /// What it has in the output.
    pub(crate) place: Place,
    /// Stands in a list of writers that wait for the output.
    pub(crate) queued: bool,
    /// Bytes received since the close timer was armed; keeps a long download alive.
    pub(crate) received: u64,
    pub(crate) deadline: Option<Instant>,
    /// The round of the output in which it last sent.
    pub(crate) round: u32,
    pub(crate) reader: Option<Waker>,
    pub(crate) writer: Option<Waker>,
}

impl Entry {
    pub(crate) fn new(now: Instant, ours: bool) -> Self {
        Self {
            inbox: Inbox::default(),
            credit: Credit::new(now),
            send_window: INITIAL_WINDOW,
            phase: Phase::Open,
            held: true,
            acked: !ours,
            place: Place::default(),
            queued: false,
            received: 0,
            deadline: None,
            round: 0,
            reader: None,
            writer: None,
        }
    }
}

/// Keeps the waker of `cx` in `slot` without cloning it again.
pub(crate) fn register(slot: &mut Option<Waker>, cx: &Context<'_>) {
    if !slot.as_ref().is_some_and(|w| w.will_wake(cx.waker())) {
        *slot = Some(cx.waker().clone());
    }
}
