//! The runtime threads: a session lives on one of them with all its streams and relays.

use std::{
    hash::RandomState,
    io,
    num::NonZero,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    runtime::{Builder, Handle},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{FastPath, FastPaths};

/// The most lanes that are started without being asked for: one moves over 2 GiB/s, which more
/// than sixteen network cards' worth of traffic would need.
const MOST: usize = 16;

/// A set of threads with one single-threaded runtime each.
///
/// A session that stays on one thread needs no lock that two threads fight for and no wakeup
/// across threads: measured, 14 against 23 microseconds of CPU for a round trip on 64 streams.
///
/// Dropping the lanes ends them without waiting; [`shutdown`](Self::shutdown) waits.
#[derive(Debug)]
pub struct Lanes {
    first: Handle,
    all: Vec<Handle>,
    next: AtomicUsize,
    seed: RandomState,
    stop: CancellationToken,
    ended: Mutex<mpsc::Receiver<()>>,
}

impl Lanes {
    /// Starts `count` lanes, at least one.
    ///
    /// # Errors
    /// The system refuses a thread or an event queue; lanes already started end again.
    pub fn start(count: usize) -> io::Result<Self> {
        let (end, ended) = mpsc::sync_channel(count.max(1));
        let stop = CancellationToken::new();
        let first = launch(0, stop.clone(), end.clone())?;
        let mut started = Self {
            all: vec![first.clone()],
            first,
            next: AtomicUsize::new(0),
            seed: RandomState::new(),
            stop,
            ended: Mutex::new(ended),
        };
        for n in 1..count {
            let lane = launch(n, started.stop.clone(), end.clone())?;
            started.all.push(lane);
        }
        Ok(started)
    }

    /// How many lanes suit this machine: one for each processor, within bounds.
    #[must_use]
    pub fn default_count() -> usize {
        let paths = FastPaths::default();
        let least = if paths.forces(FastPath::Lanes) { 2 } else { 1 };
        let most = if paths.takes(FastPath::Lanes) {
            MOST
        } else {
            1
        };
        thread::available_parallelism()
            .map_or(1, NonZero::get)
            .clamp(least, most)
    }

    /// The lane with the fewest tasks; lanes with equally many take turns.
    #[must_use]
    pub fn pick(&self) -> Handle {
        let from = self.next.fetch_add(1, Ordering::Relaxed) % self.all.len().max(1);
        let turn = self.all.iter().cycle().skip(from);
        turn.take(self.all.len())
            .min_by_key(|lane| lane.metrics().num_alive_tasks())
            .unwrap_or(&self.first)
            .clone()
    }

    /// The lane that all with this key share: what belongs together stays on one thread.
    #[must_use]
    pub fn shared_by(&self, key: &impl std::hash::Hash) -> Handle {
        let hash = std::hash::BuildHasher::hash_one(&self.seed, key);
        let at = usize::try_from(hash % self.all.len().max(1) as u64).unwrap_or_default();
        self.all.get(at).unwrap_or(&self.first).clone()
    }

    /// The runtime of every lane.
    #[must_use]
    pub fn handles(&self) -> &[Handle] {
        &self.all
    }

    /// Ends every lane and drops the tasks that are left on them; waits up to `grace` for it.
    /// Answers how many lanes had not ended by then, because a task on them never yields.
    ///
    /// Blocks the calling thread: call it once, outside of a runtime, after the scopes closed.
    #[must_use]
    pub fn shutdown(&self, grace: Duration) -> usize {
        self.stop.cancel();
        let until = Instant::now() + grace;
        let ended = self.ended.lock();
        let done = self.all.iter().take_while(|_| {
            let left = until.saturating_duration_since(Instant::now());
            ended.recv_timeout(left).is_ok()
        });
        self.all.len() - done.count()
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Starts one thread and hands back the runtime that it drives until `stop`.
fn launch(n: usize, stop: CancellationToken, end: mpsc::SyncSender<()>) -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let lane = runtime.handle().clone();
    thread::Builder::new()
        .name(format!("lane-{n}"))
        .spawn(move || {
            runtime.block_on(stop.cancelled());
            // Drops the tasks. Blocking work cannot be stopped, so nobody waits for it.
            runtime.shutdown_background();
            // Nobody listens when the lanes were dropped.
            end.try_send(()).ok();
        })?;
    Ok(lane)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use tokio::sync::oneshot;

    use super::*;
    use crate::Scope;

    const GRACE: Duration = Duration::from_secs(10);

    fn thread_of(lane: Handle) -> thread::ThreadId {
        let (tell, told) = oneshot::channel();
        Scope::root(lane).spawn(async move {
            tell.send(thread::current().id()).ok();
        });
        told.blocking_recv().unwrap()
    }

    #[test]
    fn each_lane_is_a_thread_of_its_own() {
        let lanes = Lanes::start(3).unwrap();
        let threads: HashSet<_> = lanes.handles().iter().cloned().map(thread_of).collect();
        assert_eq!(threads.len(), 3);
        assert!(!threads.contains(&thread::current().id()));
        assert_eq!(lanes.shutdown(GRACE), 0);
    }

    #[test]
    fn idle_lanes_take_turns_and_a_busy_one_is_passed_over() {
        let lanes = Lanes::start(2).unwrap();
        let ids: HashSet<_> = (0..2).map(|_| lanes.pick().id()).collect();
        assert_eq!(ids.len(), 2);

        let busy = lanes.pick();
        let scope = Scope::root(busy.clone());
        for _ in 0..3 {
            scope.spawn(std::future::pending());
        }
        for _ in 0..4 {
            assert_ne!(lanes.pick().id(), busy.id());
        }
        assert_eq!(lanes.shutdown(GRACE), 0);
    }

    #[test]
    fn what_belongs_together_shares_a_lane() {
        let lanes = Lanes::start(4).unwrap();
        let ids: HashSet<_> = (0..8).map(|_| lanes.shared_by(&"client").id()).collect();
        assert_eq!(ids.len(), 1);
        let ids: HashSet<_> = (0..256).map(|n| lanes.shared_by(&n).id()).collect();
        assert_eq!(ids.len(), 4);
        assert_eq!(lanes.shutdown(GRACE), 0);
    }

    #[test]
    fn shutdown_drops_the_tasks() {
        let lanes = Lanes::start(1).unwrap();
        let (held, dropped) = oneshot::channel::<()>();
        Scope::root(lanes.pick()).spawn(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        assert_eq!(lanes.shutdown(GRACE), 0);
        assert!(dropped.blocking_recv().is_err());
    }

    #[test]
    fn a_lane_that_does_not_end_is_told_of() {
        let lanes = Lanes::start(1).unwrap();
        let (go, wait) = mpsc::channel::<()>();
        let (busy, is_busy) = mpsc::channel();
        Scope::root(lanes.pick()).spawn(async move {
            busy.send(()).unwrap();
            wait.recv().ok();
        });
        is_busy.recv().unwrap();
        assert_eq!(lanes.shutdown(Duration::ZERO), 1);
        drop(go);
    }

    #[test]
    fn there_is_always_a_lane() {
        assert!((1..=MOST).contains(&Lanes::default_count()));
        let lanes = Lanes::start(0).unwrap();
        assert_eq!(lanes.handles().len(), 1);
        assert_eq!(lanes.shutdown(GRACE), 0);
    }
}
