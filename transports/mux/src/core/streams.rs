//! What users of streams do: open, accept, read, write, finish, drop.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use culvert_io::{Buffer, FastPath};
use tokio::{io::ReadBuf, time::Instant};

use super::{
    Core,
    entry::{Entry, Phase, register},
};
use crate::{
    MuxError,
    config::{LOW_WATER, STAGE_BELOW},
    frame::{Flags, Header, Kind},
};

/// How often writers of this process found the window of their peer used up.
static STALLS: AtomicU64 = AtomicU64::new(0);

/// How often a stream of this process had bytes to send and no window of its peer to send them
/// into: once for each wait.
#[must_use]
pub fn window_stalls() -> u64 {
    STALLS.load(Ordering::Relaxed)
}

/// Tells the time; asked only when it is needed.
pub type Clock = fn() -> Instant;

impl Core {
    /// Opens a stream; `None` while too many opens are unacknowledged.
    ///
    /// # Errors
    /// The session has ended, refuses new streams or has no ids left.
    pub fn open(&mut self, now: Instant) -> Result<Option<u32>, MuxError> {
        if let Some(end) = &self.end {
            return Err(MuxError::Ended(Arc::clone(end)));
        }
        if self.refusing {
            return Err(MuxError::GoAway(0));
        }
        let id = self.next_id.ok_or(MuxError::Exhausted)?;
        if self.unacked >= self.config.accept_backlog {
            return Ok(None);
        }
        self.next_id = id.checked_add(2);
        let mut entry = Entry::new(now, true);
        self.unacked += 1;
        self.in_use += 1;
        let at = now + self.config.open_timeout;
        self.timers.arm(id, &mut entry.deadline, at);
        self.grant(id, &mut entry, Flags::SYN);
        self.streams.insert(id, entry);
        Ok(Some(id))
    }

    /// The next stream that the peer opened, acknowledged at once.
    ///
    /// # Errors
    /// The session has ended.
    pub fn accept(&mut self) -> Result<Option<u32>, MuxError> {
        if let Some(end) = &self.end {
            return Err(MuxError::Ended(Arc::clone(end)));
        }
        let Some(id) = self.backlog.pop_front() else {
            return Ok(None);
        };
        let Some(mut entry) = self.streams.remove(&id) else {
            return Ok(None);
        };
        self.in_use += 1;
        self.grant(id, &mut entry, Flags::ACK);
        self.streams.insert(id, entry);
        Ok(Some(id))
    }

    fn grant(&mut self, id: u32, entry: &mut Entry, flag: Flags) {
        let mut delta = 0;
        if self.authenticated && entry.phase.may_receive() {
            delta = entry.credit.open(self.config.max_window, &mut self.budget);
        }
        self.out
            .stage(Header::new(Kind::WindowUpdate, flag, id, delta));
    }

    /// The next piece of a stream, `None` at its end.
    ///
    /// # Errors
    /// The stream was reset, or the session ended before the stream did.
    pub fn poll_chunk(
        &mut self,
        id: u32,
        cx: &Context<'_>,
        clock: Clock,
    ) -> Poll<io::Result<Option<Bytes>>> {
        let Some(entry) = self.streams.get_mut(&id) else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        if let Some(chunk) = entry.inbox.pop(&mut self.pins) {
            self.consumed(id, chunk.len(), clock);
            return Poll::Ready(Ok(Some(chunk)));
        }
        self.poll_end(id, cx).map_ok(|()| None)
    }

    /// Reads into `buf`; nothing at the end of the stream.
    ///
    /// # Errors
    /// As [`poll_chunk`](Self::poll_chunk).
    pub fn poll_read(
        &mut self,
        id: u32,
        cx: &Context<'_>,
        buf: &mut ReadBuf<'_>,
        clock: Clock,
    ) -> Poll<io::Result<()>> {
        let Some(entry) = self.streams.get_mut(&id) else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        if entry.inbox.is_empty() {
            return self.poll_end(id, cx);
        }
        let n = entry.inbox.read(buf, &mut self.pins);
        self.consumed(id, n, clock);
        Poll::Ready(Ok(()))
    }

    /// Whether nothing more will come on a stream, though pieces from before may still wait.
    #[must_use]
    pub fn is_finished(&self, id: u32) -> bool {
        let receiving = self
            .streams
            .get(&id)
            .is_some_and(|entry| entry.phase.may_receive());
        self.end.is_some() || !receiving
    }

    /// Ready when an empty stream has ended, else registers the reader.
    fn poll_end(&mut self, id: u32, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let Some(entry) = self.streams.get_mut(&id) else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        match (entry.phase, &self.end) {
            (Phase::Reset, _) => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            (Phase::RemoteDone | Phase::Done, _) => Poll::Ready(Ok(())),
            (_, Some(end)) if end.is_clean() => Poll::Ready(Ok(())),
            (_, Some(end)) => Poll::Ready(Err(end.to_io())),
            (Phase::Open | Phase::LocalDone, None) => {
                register(&mut entry.reader, cx);
                Poll::Pending
            }
        }
    }

    fn consumed(&mut self, id: u32, len: usize, clock: Clock) {
        self.buffered = self.buffered.saturating_sub(len);
        let Some(entry) = self.streams.get_mut(&id) else {
            return;
        };
        let due = entry.credit.consume(len);
        if !due || !entry.phase.may_receive() || self.end.is_some() {
            return;
        }
        let max = if self.authenticated {
            self.config.max_window
        } else {
            0
        };
        let delta = entry.credit.update(clock(), max, &mut self.budget);
        self.out
            .stage(Header::new(Kind::WindowUpdate, Flags::NONE, id, delta));
    }

    /// How many bytes the stream may send now.
    ///
    /// # Errors
    /// The stream was finished or reset, or the session has ended.
    pub fn poll_room(&mut self, id: u32, cx: &Context<'_>) -> Poll<io::Result<usize>> {
        let window = match self.writable(id) {
            Ok(window) => window,
            Err(e) => return Poll::Ready(Err(e)),
        };
        // While somebody waits, nobody overtakes before the output has fallen to the low mark.
        let waiting = !self.hungry.is_empty() || !self.fed.is_empty();
        let full = self.out.is_full() || (waiting && self.out.len() > LOW_WATER);
        let Some(entry) = self.streams.get_mut(&id) else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        if window > 0 && !full {
            return Poll::Ready(Ok(window.min(self.pace.piece())));
        }
        // Who has sent little overtakes those who wait.
        if window > 0
            && let Some(room @ 1..) = self.out.urgent_room(&mut entry.place)
        {
            return Poll::Ready(Ok(window.min(room)));
        }
        // A waker that is there already waits for the same.
        if window == 0 && entry.writer.is_none() {
            STALLS.fetch_add(1, Ordering::Relaxed);
        }
        register(&mut entry.writer, cx);
        if full && !entry.queued {
            entry.queued = true;
            if entry.round == self.round {
                self.fed.push_back(id);
            } else {
                self.hungry.push_back(id);
            }
        }
        Poll::Pending
    }

    fn writable(&self, id: u32) -> io::Result<usize> {
        writable(self.end.as_ref(), self.streams.get(&id))
    }

    /// Sends a copy of `body`, at most what [`poll_room`](Self::poll_room) answered. Answers whether
    /// it is to leave at once, and not with what else comes in this turn.
    ///
    /// # Errors
    /// The stream cannot be written to, or `body` is empty or too long.
    pub fn write(&mut self, id: u32, body: &[u8]) -> io::Result<bool> {
        let entry = self.streams.get_mut(&id);
        let (header, entry) = spend(self.end.as_ref(), entry, id, body.len())?;
        if !self.out.stage_of(&mut entry.place, header, body) {
            entry.round = self.round;
        }
        Ok(!self.config.fast_paths.takes(FastPath::Bundle))
    }

    /// Sends the first `len` bytes of `buffer`'s payload, at most what
    /// [`poll_room`](Self::poll_room) answered. Answers whether it is to leave at once,
    /// as it is worth its own system call.
    ///
    /// # Errors
    /// The stream cannot be written to, or `len` breaks the contract.
    pub fn submit(&mut self, id: u32, mut buffer: Buffer, len: usize) -> io::Result<bool> {
        if len < STAGE_BELOW {
            let body = buffer.payload().get(..len).unwrap_or_default();
            return self.write(id, body);
        }
        if len > buffer.payload().len() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let entry = self.streams.get_mut(&id);
        let (header, entry) = spend(self.end.as_ref(), entry, id, len)?;
        if let Some(room) = buffer.all_mut().get_mut(FRAME_START..Buffer::HEADROOM) {
            room.copy_from_slice(&header.encode());
        }
        let frame = Bytes::from_owner(buffer).slice(FRAME_START..Buffer::HEADROOM + len);
        entry.round = self.round;
        self.out.push(&mut entry.place, frame);
        Ok(true)
    }

    /// Finishes our direction: FIN, exactly once in a stream's life (a second one is fatal to
    /// upstream).
    pub fn finish(&mut self, id: u32, now: Instant) {
        let Some(entry) = self.streams.get_mut(&id) else {
            return;
        };
        if !entry.phase.may_write() || self.end.is_some() {
            return;
        }
        let header = Header::new(Kind::WindowUpdate, Flags::FIN, id, 0);
        self.out.stage_of(&mut entry.place, header, &[]);
        self.wakes.extend(entry.writer.take());
        if entry.phase == Phase::RemoteDone {
            entry.phase = Phase::Done;
            self.opened(id);
            return;
        }
        entry.phase = Phase::LocalDone;
        if entry.acked {
            self.await_close(id, now);
        }
    }

    /// The stream value was dropped: finishes it if need be, and throws away what it received.
    pub fn release(&mut self, id: u32, now: Instant) {
        self.finish(id, now);
        let Some(entry) = self.streams.get_mut(&id) else {
            return;
        };
        if !std::mem::replace(&mut entry.held, false) {
            return;
        }
        self.in_use = self.in_use.saturating_sub(1);
        entry.reader = None;
        entry.writer = None;
        self.buffered = self
            .buffered
            .saturating_sub(entry.inbox.clear(&mut self.pins));
        entry.credit.close(&mut self.budget);
        self.forget_if_over(id);
    }
}

/// How many bytes the peer still takes on a stream.
fn writable(end: Option<&Arc<MuxError>>, entry: Option<&Entry>) -> io::Result<usize> {
    if let Some(end) = end {
        return Err(end.to_io());
    }
    match entry {
        None => Err(io::ErrorKind::NotConnected.into()),
        Some(e) if e.phase == Phase::Reset => Err(io::ErrorKind::ConnectionReset.into()),
        Some(e) if !e.phase.may_write() => Err(io::ErrorKind::BrokenPipe.into()),
        Some(e) => Ok(usize::try_from(e.send_window).unwrap_or(usize::MAX)),
    }
}

/// Notes that stream `id` sends `len` bytes; answers the header to put in front.
fn spend<'a>(
    end: Option<&Arc<MuxError>>,
    entry: Option<&'a mut Entry>,
    id: u32,
    len: usize,
) -> io::Result<(Header, &'a mut Entry)> {
    let window = writable(end, entry.as_deref())?;
    let length = u32::try_from(len)
        .ok()
        .filter(|_| len > 0 && len <= window)
        .ok_or(io::ErrorKind::InvalidInput)?;
    let entry = entry.ok_or(io::ErrorKind::NotConnected)?;
    entry.send_window -= length;
    Ok((Header::new(Kind::Data, Flags::NONE, id, length), entry))
}

/// Where a frame begins in a lent buffer, so that its payload stands where it was read to.
const FRAME_START: usize = Buffer::HEADROOM - Header::LEN;
