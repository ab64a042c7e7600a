//! Work connections of one client: those that wait for a user, and users that wait for one.

use std::{collections::VecDeque, time::Duration};

use culvert_io::Stream;
use culvert_wire::Codec;
use parking_lot::Mutex;
use tokio::{sync::oneshot, time::Instant};

/// Room beyond the pool count that the client asked for, as upstream has it (protocol 3.4).
const SLACK: usize = 10;

/// How long a connection that was asked for counts as on its way. A client that cannot open one
/// does not say so; dialling anew over a long link takes about a second.
const ON_ITS_WAY: Duration = Duration::from_secs(5);

/// One work connection: its stream, and the version in which its client opened it.
#[derive(Debug)]
pub(crate) struct WorkConn {
    pub(crate) stream: Stream,
    pub(crate) codec: Codec,
    /// Whether the client takes datagrams beside the stream.
    pub(crate) datagrams: bool,
}

/// Parks work connections until a user takes them, and hands new ones to whoever waits.
pub(crate) struct WorkPool {
    state: Mutex<State>,
    capacity: usize,
}

#[derive(Default)]
struct State {
    idle: VecDeque<WorkConn>,
    waiting: VecDeque<oneshot::Sender<WorkConn>>,
    /// Connections asked for that have not come, and when the last of them was asked for.
    asked: usize,
    asked_at: Option<Instant>,
    closed: bool,
}

impl State {
    /// Connections that come and have no user yet.
    fn coming(&self, now: Instant) -> usize {
        let fresh = self.asked_at.is_some_and(|at| now < at + ON_ITS_WAY);
        if fresh {
            self.asked.saturating_sub(self.waiting.len())
        } else {
            0
        }
    }
}

/// Why a work connection was not taken in.
#[derive(Debug)]
pub(crate) enum Declined {
    /// Nobody waits and the pool is full; the connection is handed back.
    Full(WorkConn),
    /// The session is over.
    Closed,
}

/// What [`WorkPool::take`] found.
pub(crate) enum Taken {
    /// A parked connection.
    Idle(WorkConn),
    /// None was parked: the next to arrive comes here, unless the session ends.
    Wait(oneshot::Receiver<WorkConn>),
    /// The session is over.
    Closed,
}

impl WorkPool {
    /// A pool for a client that keeps `pool_count` connections ready.
    pub(crate) fn new(pool_count: usize) -> Self {
        Self {
            state: Mutex::default(),
            capacity: pool_count + SLACK,
        }
    }

    /// Whether another connection may be asked for ahead of need: the pool has room for it and for
    /// those on their way. A burst of users would otherwise have twice as many opened as there are
    /// users, and the pool would send the rest back.
    pub(crate) fn wants(&self, now: Instant) -> bool {
        let state = self.state.lock();
        state.idle.len() + state.coming(now) < self.capacity
    }

    /// One connection was asked for.
    pub(crate) fn asked(&self, now: Instant) {
        let mut state = self.state.lock();
        // What has not come by now is not counted on.
        let expected = state.coming(now) + state.waiting.len();
        state.asked = state.asked.min(expected) + 1;
        state.asked_at = Some(now);
    }

    /// Gives a new work connection to the longest waiting user, or parks it.
    #[expect(
        clippy::result_large_err,
        reason = "the stream is handed back, not carried on"
    )]
    pub(crate) fn offer(&self, mut work: WorkConn) -> Result<(), Declined> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Declined::Closed);
        }
        state.asked = state.asked.saturating_sub(1);
        while let Some(waiting) = state.waiting.pop_front() {
            match waiting.send(work) {
                Ok(()) => return Ok(()),
                // That user gave up waiting.
                Err(back) => work = back,
            }
        }
        if state.idle.len() >= self.capacity {
            return Err(Declined::Full(work));
        }
        state.idle.push_back(work);
        Ok(())
    }

    /// Takes the oldest parked connection, or a place in the queue.
    pub(crate) fn take(&self) -> Taken {
        let mut state = self.state.lock();
        if state.closed {
            return Taken::Closed;
        }
        if let Some(work) = state.idle.pop_front() {
            return Taken::Idle(work);
        }
        // All wait equally long, so those that gave up gather in front: the queue stays as long
        // as the number of users of the last `userConnTimeout`.
        while state
            .waiting
            .front()
            .is_some_and(oneshot::Sender::is_closed)
        {
            state.waiting.pop_front();
        }
        let (send, receive) = oneshot::channel();
        state.waiting.push_back(send);
        Taken::Wait(receive)
    }

    /// How many connections are parked.
    pub(crate) fn idle(&self) -> usize {
        self.state.lock().idle.len()
    }

    /// Drops what is parked and sends everybody away who waits.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let parked = std::mem::take(&mut state.idle);
        state.waiting.clear();
        drop(state);
        drop(parked);
    }
}

impl std::fmt::Debug for WorkPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.state.lock();
        f.debug_struct("WorkPool")
            .field("idle", &state.idle.len())
            .field("waiting", &state.waiting.len())
            .field("capacity", &self.capacity)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use culvert_io::Peer;

    use super::*;

    fn work() -> WorkConn {
        let addr = ([127, 0, 0, 1], 1).into();
        WorkConn {
            stream: Stream::new(tokio::io::duplex(1).0, Peer::new(addr, addr, "test")),
            codec: Codec::V1,
            datagrams: false,
        }
    }

    #[test]
    fn parks_up_to_its_capacity() {
        let pool = WorkPool::new(1);
        for _ in 0..11 {
            pool.offer(work()).unwrap();
        }
        assert!(matches!(pool.offer(work()), Err(Declined::Full(_))));
        assert!(matches!(pool.take(), Taken::Idle(_)));
        pool.offer(work()).unwrap();
    }

    #[test]
    fn no_more_is_asked_for_than_users_and_the_pool_take() {
        let pool = WorkPool::new(0);
        let now = Instant::now();
        let users: Vec<_> = (0..50).map(|_| pool.take()).collect();
        for _ in &users {
            pool.asked(now);
        }
        // All that come have a user; the pool may be filled besides.
        let ahead = (0..100).filter(|_| {
            let wants = pool.wants(now);
            if wants {
                pool.asked(now);
            }
            wants
        });
        assert_eq!(ahead.count(), SLACK);
        for _ in 0..users.len() + SLACK {
            pool.offer(work()).unwrap();
        }
        assert!(!pool.wants(now));
        assert!(matches!(pool.take(), Taken::Idle(_)));
        assert!(pool.wants(now));
    }

    #[test]
    fn what_never_comes_is_asked_for_again() {
        let pool = WorkPool::new(0);
        let now = Instant::now();
        (0..SLACK).for_each(|_| pool.asked(now));
        assert!(!pool.wants(now));
        assert!(pool.wants(now + ON_ITS_WAY));
        pool.asked(now + ON_ITS_WAY);
        assert!(pool.wants(now + ON_ITS_WAY));
    }

    #[tokio::test]
    async fn the_longest_waiting_user_is_served_first() {
        let pool = WorkPool::new(0);
        let Taken::Wait(gone) = pool.take() else {
            panic!()
        };
        let Taken::Wait(first) = pool.take() else {
            panic!()
        };
        let Taken::Wait(mut second) = pool.take() else {
            panic!()
        };
        drop(gone);
        pool.offer(work()).unwrap();
        first.await.unwrap();
        assert!(second.try_recv().is_err());
    }

    #[tokio::test]
    async fn closing_sends_everybody_away() {
        let pool = WorkPool::new(0);
        let Taken::Wait(waiting) = pool.take() else {
            panic!()
        };
        pool.close();
        assert!(waiting.await.is_err());
        assert!(matches!(pool.offer(work()), Err(Declined::Closed)));
        assert!(matches!(pool.take(), Taken::Closed));
    }
}
