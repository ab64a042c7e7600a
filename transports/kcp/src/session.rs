//! A conversation with a socket and a clock: what stream, timer task and receiver share.

use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    io::ReadBuf,
    net::UdpSocket,
    sync::Notify,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{Conversation, Parameters, seats::Seat};

/// How long a stranger may hold a seat and a small window. The layers above end a peer that has
/// not logged in by then (protocol 1.2), so who is left is known to them.
const STRANGE: Duration = Duration::from_secs(10);
/// Bytes that the layers above read of nobody who has not logged in: a mux cuts such a peer off
/// after 80 KiB, and a login without one is at most 64 KiB. Whose bytes they go on reading is
/// known to them.
const KNOWN: usize = 128 * 1024;
/// How long a closed stream may take to deliver what was written to it. There is no close
/// handshake to wait for (protocol 2.4); frps gives shutdown this time.
const LINGER: Duration = Duration::from_secs(5);

/// One conversation. Locked for one step at a time, by its stream, its task or the receiver.
#[derive(Debug)]
pub(crate) struct Session {
    state: Mutex<State>,
    socket: Arc<UdpSocket>,
    born: Instant,
    /// Tells the task that its timer is wrong or that the socket is full.
    turn: Notify,
    /// Cancelled once the conversation is over.
    over: CancellationToken,
    conv: u32,
}

#[derive(Debug)]
struct State {
    conversation: Conversation,
    to: SocketAddr,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// A place among those who have not shown that they are where they say.
    seat: Option<Seat>,
    /// Not yet known to the layers above, as far as we can tell.
    strange: bool,
    /// Bytes that a stranger has got read.
    read: usize,
    /// When the task will wake by itself; `None` means not at all.
    armed: Option<u64>,
    /// No more writing.
    shut: bool,
    /// The stream is gone; until then what is queued may leave.
    leave_by: Option<u64>,
    /// Why nothing works any more.
    failed: Option<io::ErrorKind>,
}

impl State {
    /// Notes that the layers above have read `len` bytes. Who has answered, and of whom they read
    /// more than of any stranger, gets a large window.
    fn meet(&mut self, len: usize) {
        if !self.strange {
            return;
        }
        self.read = self.read.saturating_add(len);
        if self.read > KNOWN && self.conversation.is_proven() {
            self.strange = false;
            self.seat = None;
            self.conversation.trust();
        }
    }
}

impl Session {
    /// A conversation with the peer at `to`. One that was begun by a datagram from outside holds
    /// a seat and counts as a stranger's.
    pub(crate) fn new(
        conv: u32,
        parameters: &Parameters,
        socket: Arc<UdpSocket>,
        to: SocketAddr,
        seat: Option<Seat>,
    ) -> Arc<Self> {
        let state = State {
            conversation: Conversation::new(conv, parameters, seat.is_some(), 0),
            to,
            reader: None,
            writer: None,
            strange: seat.is_some(),
            read: 0,
            seat,
            armed: None,
            shut: false,
            leave_by: None,
            failed: None,
        };
        Arc::new(Self {
            state: Mutex::new(state),
            socket,
            born: Instant::now(),
            turn: Notify::new(),
            over: CancellationToken::new(),
            conv,
        })
    }

    pub(crate) const fn conv(&self) -> u32 {
        self.conv
    }

    /// Waits until the conversation is over.
    pub(crate) async fn over(&self) {
        self.over.cancelled().await;
    }

    fn now(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn at(&self, ms: u64) -> Instant {
        self.born + Duration::from_millis(ms)
    }

    /// Takes a datagram; the caller calls [`settle`](Self::settle) after a batch of them.
    pub(crate) fn deliver(&self, datagram: &[u8]) -> bool {
        let now = self.now();
        self.state.lock().conversation.input(datagram, now)
    }

    /// Answers a batch of datagrams and wakes who waits for their bytes.
    pub(crate) fn settle(&self) {
        let mut state = self.state.lock();
        self.send(&mut state);
        let conversation = &state.conversation;
        let (readable, room) = (conversation.readable(), conversation.room() > 0);
        let reader = state.reader.take_if(|_| readable);
        let writer = state.writer.take_if(|_| room);
        drop(state);
        for waker in [reader, writer].into_iter().flatten() {
            waker.wake();
        }
    }

    /// Sends what is new, and has the task wake up in time for it.
    fn send(&self, state: &mut State) {
        state.conversation.flush(self.now());
        let full = self.transmit(state);
        let wanted = state.conversation.wake_at();
        let sooner = match (wanted, state.armed) {
            (Some(wanted), Some(armed)) => wanted < armed,
            (wanted, _) => wanted.is_some(),
        };
        if full || sooner || (state.leave_by.is_some() && state.conversation.is_drained()) {
            self.turn.notify_one();
        }
    }

    /// Hands datagrams to the socket. Answers whether it is full. A datagram that the system
    /// refuses for another reason is lost like one on the way.
    fn transmit(&self, state: &mut State) -> bool {
        let to = state.to;
        let out = state.conversation.outbox();
        while let Some(datagram) = out.front() {
            match self.socket.try_send_to(datagram, to) {
                Err(err) if err.kind() == io::ErrorKind::WouldBlock => return true,
                Ok(_) | Err(_) => out.pop(),
            }
        }
        false
    }

    /// One step of the task. `None` when the conversation is over; otherwise when to wake, and
    /// whether to wait for the socket too.
    fn step(&self) -> Option<(Option<u64>, bool)> {
        let now = self.now();
        let mut state = self.state.lock();
        if state.leave_by.is_some_and(|at| at <= now) || state.conversation.is_dead(now) {
            return None;
        }
        let mut strange_until = None;
        if state.strange {
            let until = u64::try_from(STRANGE.as_millis()).unwrap_or(u64::MAX);
            if until <= now {
                state.strange = false;
                state.conversation.trust();
            } else {
                strange_until = Some(until);
            }
            // Who answers is real, but gets a large window only in time.
            if !state.strange || state.conversation.is_proven() {
                state.seat = None;
            }
        }
        let mut full = self.transmit(&mut state);
        if !full {
            state.conversation.on_time(now);
            full = self.transmit(&mut state);
        }
        if state.leave_by.is_some() && state.conversation.is_drained() && !full {
            return None;
        }
        // While the socket is full, nothing new is sent whatever the time.
        let next = state.conversation.wake_at().filter(|_| !full);
        let wake = [
            next,
            state.leave_by,
            strange_until,
            state.conversation.dead_at(),
        ];
        let armed = wake.into_iter().flatten().min();
        state.armed = armed;
        let room = state.conversation.room() > 0;
        let writer = state.writer.take_if(|_| room);
        drop(state);
        if let Some(writer) = writer {
            writer.wake();
        }
        Some((armed, full))
    }

    /// Keeps time for the conversation until it is over.
    pub(crate) async fn run(self: Arc<Self>) {
        let _end = End(&self);
        while let Some((wake, full)) = self.step() {
            let timer = async {
                match wake {
                    Some(at) => sleep_until(self.at(at)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = timer => {}
                () = self.turn.notified() => {}
                // An error shows again at the next attempt to send.
                _ = self.socket.writable(), if full => {}
            }
        }
    }

    fn finish(&self) {
        let mut state = self.state.lock();
        state.failed.get_or_insert(io::ErrorKind::TimedOut);
        state.seat = None;
        let wakers = [state.reader.take(), state.writer.take()];
        drop(state);
        self.over.cancel();
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// Fills `buf` with what is there, at least one byte.
    pub(crate) fn poll_read(
        &self,
        buf: &mut ReadBuf<'_>,
        cx: &Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.state.lock();
        let before = buf.filled().len();
        while buf.remaining() > 0
            && let Some(bytes) = state.conversation.read(buf.remaining())
        {
            buf.put_slice(&bytes);
        }
        let len = buf.filled().len() - before;
        if len > 0 {
            state.meet(len);
            // A window that has opened is news.
            if state.conversation.urgent() {
                self.send(&mut state);
            }
            return Poll::Ready(Ok(()));
        }
        if let Some(kind) = state.failed {
            return Poll::Ready(Err(kind.into()));
        }
        state.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Queues and sends what fits of `pieces`.
    pub(crate) fn poll_write<'a>(
        &self,
        pieces: impl Iterator<Item = &'a [u8]>,
        cx: &Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut state = self.state.lock();
        if let Some(kind) = state.failed {
            return Poll::Ready(Err(kind.into()));
        }
        if state.shut {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if state.conversation.room() == 0 {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let mut taken = 0;
        for piece in pieces {
            let n = state.conversation.write(piece);
            taken += n;
            if n < piece.len() {
                break;
            }
        }
        self.send(&mut state);
        Poll::Ready(Ok(taken))
    }

    /// Refuses writing from now on; what is queued leaves by itself.
    pub(crate) fn shut(&self) {
        self.state.lock().shut = true;
    }

    /// The stream is gone: the task delivers what is queued and ends.
    pub(crate) fn leave(&self) {
        let mut state = self.state.lock();
        let wait = u64::try_from(LINGER.as_millis()).unwrap_or_default();
        state.shut = true;
        state.leave_by = Some(self.now() + wait);
        drop(state);
        self.turn.notify_one();
    }

    /// The peer turned out to be at another address than the one dialled (protocol 2.4).
    pub(crate) fn redirect(&self, to: SocketAddr) {
        self.state.lock().to = to;
    }
}

/// Ends the conversation with its task, also when that panics.
struct End<'a>(&'a Session);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.finish();
    }
}

/// The most datagrams that are taken before those that they are for are served.
const BATCH: usize = 64;
/// Longer datagrams are cut; upstream's buffer has the same size (protocol 2.4).
const LONGEST: usize = 1500;

/// Receives a batch of datagrams: waits for the first, takes what else is there.
///
/// # Errors
/// The socket is of no more use.
pub(crate) async fn receive(
    socket: &UdpSocket,
    mut deliver: impl FnMut(&[u8], SocketAddr),
) -> io::Result<()> {
    let mut buffer = [0; LONGEST];
    socket.readable().await?;
    for _ in 0..BATCH {
        match socket.try_recv_from(&mut buffer) {
            Ok((n, from)) => deliver(buffer.get(..n).unwrap_or_default(), from),
            Err(err) if err.kind() == io::ErrorKind::WouldBlock => break,
            // Some systems report here that an earlier datagram found nobody.
            Err(err) => {
                tracing::debug!("receiving a datagram failed: {err}");
                break;
            }
        }
    }
    // A flood must not keep the thread from everything else.
    yield_now().await;
    Ok(())
}

async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
