//! The yamux protocol without sockets, clocks or tasks: bytes in, bytes out, wakers to wake.

mod credit;
mod entry;
mod inbound;
mod inbox;
mod outbox;
mod pace;
mod parser;
mod streams;
#[cfg(test)]
mod tests;
mod timers;

use std::{
    collections::{HashMap, VecDeque},
    io::IoSlice,
    sync::Arc,
    task::Waker,
};

use tokio::time::Instant;

use self::{
    credit::Budget, entry::Entry, inbox::Pins, outbox::Outbox, pace::Pace, parser::Parser,
    timers::Timers,
};
pub use self::{
    inbox::Received,
    streams::{Clock, window_stalls},
};
use crate::{
    MuxConfig, MuxError, Role,
    config::LOW_WATER,
    frame::{Flags, Header, Kind},
};

/// One end of a session. Feed it what the transport yields, hand the transport what it has to
/// send, and call [`on_time`](Self::on_time) when [`deadline`](Self::deadline) has come.
#[derive(Debug)]
pub struct Core {
    role: Role,
    config: MuxConfig,
    parser: Parser,
    /// Whose payload the parser is in, and whether the stream ends with it.
    body: Option<(u32, bool)>,
    streams: HashMap<u32, Entry>,
    next_id: Option<u32>,
    backlog: VecDeque<u32>,
    /// Opens of ours that the peer has not acknowledged.
    unacked: usize,
    /// Streams handed out and not dropped.
    in_use: usize,
    authenticated: bool,
    prelogin_frames: u32,
    refusing: bool,
    budget: Budget,
    /// Bytes received and not read, over all streams.
    buffered: usize,
    pins: Pins,
    out: Outbox,
    pace: Pace,
    /// Writers that wait for the output: those that have not sent in this round go first.
    hungry: VecDeque<u32>,
    fed: VecDeque<u32>,
    round: u32,
    timers: Timers,
    /// How often the transport yielded something.
    received: u64,
    end: Option<Arc<MuxError>>,
    wakes: Vec<Waker>,
    signals: Signals,
}

/// What waiting `accept` and `open` calls have to be told.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Signals {
    pub(crate) incoming: usize,
    pub(crate) slots: usize,
}

impl Core {
    /// A session at its start.
    #[must_use]
    pub fn new(role: Role, config: MuxConfig, now: Instant) -> Self {
        Self {
            role,
            parser: Parser::default(),
            body: None,
            streams: HashMap::new(),
            next_id: Some(role.first_id()),
            backlog: VecDeque::new(),
            unacked: 0,
            in_use: 0,
            authenticated: false,
            prelogin_frames: 0,
            refusing: false,
            budget: Budget::new(config.receive_budget),
            buffered: 0,
            pins: Pins::default(),
            out: Outbox::new(config.fast_paths),
            pace: Pace::new(config.fast_paths),
            hungry: VecDeque::new(),
            fed: VecDeque::new(),
            round: 1,
            timers: Timers::new(&config, now),
            received: 0,
            end: None,
            wakes: Vec::new(),
            signals: Signals::default(),
            config,
        }
    }

    /// Lifts the limits for peers that have not logged in.
    pub const fn authenticate(&mut self) {
        self.authenticated = true;
    }

    /// Whether [`authenticate`](Self::authenticate) was called.
    #[must_use]
    pub const fn is_authenticated(&self) -> bool {
        self.authenticated
    }

    /// Why the session ended, if it has. Streams may still hold unread bytes.
    #[must_use]
    pub const fn ended(&self) -> Option<&Arc<MuxError>> {
        self.end.as_ref()
    }

    /// Ends the session for `why`, unless it has ended before. A broken protocol is answered with
    /// go-away 1 in front of the bulk that is queued.
    pub fn end(&mut self, why: MuxError) {
        if self.end.is_some() {
            return;
        }
        if matches!(why, MuxError::Protocol(_)) {
            self.out
                .stage(Header::new(Kind::GoAway, Flags::NONE, 0, PROTOCOL_ERROR));
        }
        self.end = Some(Arc::new(why));
        for entry in self.streams.values_mut() {
            self.wakes.extend(entry.reader.take());
            self.wakes.extend(entry.writer.take());
        }
        for id in std::mem::take(&mut self.backlog) {
            self.streams.remove(&id);
        }
        self.streams.retain(|_, entry| entry.held);
    }

    /// Bytes that wait for the transport.
    #[must_use]
    pub const fn queued(&self) -> usize {
        self.out.len()
    }

    /// Bytes received and not read, over all streams.
    #[must_use]
    pub const fn buffered(&self) -> usize {
        self.buffered
    }

    pub(crate) const fn config(&self) -> &MuxConfig {
        &self.config
    }

    pub(crate) const fn has_wakes(&self) -> bool {
        !self.wakes.is_empty()
    }

    /// Streams that have state here.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// Opens of ours that the peer has not acknowledged.
    pub(crate) const fn unacknowledged(&self) -> usize {
        self.unacked
    }

    /// Whether the peer takes no new streams.
    pub(crate) const fn is_refusing(&self) -> bool {
        self.refusing
    }

    /// Streams handed out by open or accept and not dropped.
    pub(crate) const fn in_use(&self) -> usize {
        self.in_use
    }

    /// Fills `slices` with output in order, little of it for a slow transport; answers how many
    /// it used.
    pub fn transmit<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        self.out.fill(slices, self.pace.most())
    }

    /// The transport took `n` bytes; writers go on when little is left.
    pub fn transmitted(&mut self, n: usize) {
        self.out.advance(n);
        if self.out.len() > LOW_WATER || (self.hungry.is_empty() && self.fed.is_empty()) {
            return;
        }
        self.round = self.round.wrapping_add(1);
        let waiting = self.hungry.drain(..).chain(self.fed.drain(..));
        for id in waiting {
            if let Some(entry) = self.streams.get_mut(&id) {
                entry.queued = false;
                self.wakes.extend(entry.writer.take());
            }
        }
        for list in [&mut self.hungry, &mut self.fed] {
            list.shrink_to(IDLE_WRITERS);
        }
    }

    /// Throws the output away, as nobody will take it.
    pub(crate) fn abandon_output(&mut self) {
        self.out.clear();
    }

    pub(crate) fn take_wakes(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.wakes)
    }

    pub(crate) fn take_signals(&mut self) -> Signals {
        std::mem::take(&mut self.signals)
    }

    /// Forgets a stream once nobody needs its state: no reader here, no more frames from there.
    fn forget_if_over(&mut self, id: u32) {
        let over = |e: &Entry| !e.held && (!e.phase.is_live() || self.end.is_some());
        if !self.streams.get(&id).is_some_and(over) {
            return;
        }
        if let Some(mut entry) = self.streams.remove(&id) {
            self.retire(id, &mut entry);
        }
        if self.streams.capacity() > IDLE_TABLE && self.streams.len() < self.streams.capacity() / 8
        {
            self.streams.shrink_to(self.streams.len() * 2);
        }
    }

    /// Returns all that a stream holds of the session's resources; may run twice.
    fn retire(&mut self, id: u32, entry: &mut Entry) {
        self.buffered = self
            .buffered
            .saturating_sub(entry.inbox.clear(&mut self.pins));
        entry.credit.close(&mut self.budget);
        self.timers.disarm(id, &mut entry.deadline);
        if !entry.acked {
            entry.acked = true;
            self.unacked = self.unacked.saturating_sub(1);
            self.signals.slots += 1;
        }
    }
}

/// Go-away code for a broken protocol (hashicorp yamux spec.md).
const PROTOCOL_ERROR: u32 = 1;
/// Slots of a writers' list that are kept when it is empty.
const IDLE_WRITERS: usize = 64;
/// Slots of the stream table below which it is never shrunk.
const IDLE_TABLE: usize = 1024;
