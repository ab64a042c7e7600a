//! Work connections of one client: those that wait for a user, and users that wait for one.

use std::collections::VecDeque;

use culvert_io::Stream;
use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Room beyond the pool count that the client asked for, as upstream has it (protocol 3.4).
const SLACK: usize = 10;

/// Parks work connections until a user takes them, and hands new ones to whoever waits.
pub(crate) struct WorkPool {
    state: Mutex<State>,
    capacity: usize,
}

#[derive(Default)]
struct State {
    idle: VecDeque<Stream>,
    waiting: VecDeque<oneshot::Sender<Stream>>,
    closed: bool,
}

/// Why a work connection was not taken in.
#[derive(Debug)]
pub(crate) enum Declined {
    /// Nobody waits and the pool is full; the stream is handed back.
    Full(Stream),
    /// The session is over.
    Closed,
}

/// What [`WorkPool::take`] found.
pub(crate) enum Taken {
    /// A parked connection.
    Idle(Stream),
    /// None was parked: the next to arrive comes here, unless the session ends.
    Wait(oneshot::Receiver<Stream>),
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

    /// Gives a new work connection to the longest waiting user, or parks it.
    #[expect(
        clippy::result_large_err,
        reason = "the stream is handed back, not carried on"
    )]
    pub(crate) fn offer(&self, mut stream: Stream) -> Result<(), Declined> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Declined::Closed);
        }
        while let Some(waiting) = state.waiting.pop_front() {
            match waiting.send(stream) {
                Ok(()) => return Ok(()),
                // That user gave up waiting.
                Err(back) => stream = back,
            }
        }
        if state.idle.len() >= self.capacity {
            return Err(Declined::Full(stream));
        }
        state.idle.push_back(stream);
        Ok(())
    }

    /// Takes the oldest parked connection, or a place in the queue.
    pub(crate) fn take(&self) -> Taken {
        let mut state = self.state.lock();
        if state.closed {
            return Taken::Closed;
        }
        if let Some(stream) = state.idle.pop_front() {
            return Taken::Idle(stream);
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
    use culvert_io::{Peer, Stream};

    use super::{Declined, Taken, WorkPool};

    fn stream() -> Stream {
        let addr = ([127, 0, 0, 1], 1).into();
        Stream::new(tokio::io::duplex(1).0, Peer::new(addr, addr, "test"))
    }

    #[test]
    fn parks_up_to_its_capacity() {
        let pool = WorkPool::new(1);
        for _ in 0..11 {
            pool.offer(stream()).unwrap();
        }
        assert!(matches!(pool.offer(stream()), Err(Declined::Full(_))));
        assert!(matches!(pool.take(), Taken::Idle(_)));
        pool.offer(stream()).unwrap();
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
        pool.offer(stream()).unwrap();
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
        assert!(matches!(pool.offer(stream()), Err(Declined::Closed)));
        assert!(matches!(pool.take(), Taken::Closed));
    }
}
