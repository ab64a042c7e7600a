//! Gives memory that start-up or a burst of traffic took back to the system once that is over.
//!
//! glibc keeps what is freed between two pieces that are still in use, for good. Measured: 200
//! connections of one mebibyte with encryption and compression left 75 MB resident, and 11 MB
//! after a trim, of which the pools of [`Buffer`] kept 4 MB for each thread.

#[cfg(target_os = "linux")]
mod text;

use std::{
    convert::Infallible,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::{Notify, mpsc},
    time::{Instant, sleep, timeout},
};

use crate::{Buffer, Scope};

/// Whether a pool had more buffers than light traffic needs since this was last looked at.
///
/// A flag, as every buffer given back in a burst sets it. Measured: waking a task each time cost a
/// small request that follows a burst 55 us of CPU and half of its speed.
static SPILLED: AtomicBool = AtomicBool::new(false);

/// Told when the flag is raised.
static RAISED: Notify = Notify::const_new();

/// How long no buffer may have been spilled for a burst to be over: looking through the heap
/// takes milliseconds and holds the allocator's lock, which is not for the middle of traffic.
const QUIET: Duration = Duration::from_secs(1);

/// How long traffic that never pauses may keep what an earlier burst took.
const AT_LATEST: Duration = Duration::from_secs(30);

/// When to look again after a burst, each from the look before. The last of its connections free
/// what they held without spilling a buffer: a relay waits up to 5 s for a peer that does not
/// close, and longer on a machine that is busy.
const AFTERMATH: [Duration; 3] = [
    Duration::from_secs(6),
    Duration::from_secs(18),
    Duration::from_secs(60),
];

/// A buffer is kept that an idle thread does not need, or goes back to the allocator.
pub(crate) fn spilled() {
    // Mostly it is raised already: reading it costs the threads no fight over the cache line.
    if !SPILLED.load(Ordering::Relaxed) && !SPILLED.swap(true, Ordering::Relaxed) {
        RAISED.notify_one();
    }
}

/// Beginnings and ends of tasks so far.
static TURNS: AtomicUsize = AtomicUsize::new(0);

/// Every so many turns count as a burst: what 1024 idle clients hold is 20 MB.
const MANY: usize = 1024;

/// A task begins, or has ended and freed what it held. Measured: 10 s after 10,000 idle clients
/// with 50,000 idle connections had left, a server kept 432 MiB of theirs, and 101 with this.
pub(crate) fn task_turned() {
    if TURNS.fetch_add(1, Ordering::Relaxed) % MANY == MANY - 1 {
        spilled();
    }
}

/// Gives memory back to the system after start-up and after each burst: what the pools of this
/// thread and of `lanes` keep, what the allocator does, and program text that has run. Never ends;
/// run it once in a process.
///
/// *Cancel safety*: safe.
pub async fn return_memory(lanes: &[Handle]) -> Infallible {
    RAISED.notify_one(); // start-up is the first burst
    loop {
        RAISED.notified().await;
        let latest = Instant::now() + AT_LATEST;
        // Looked at once in a while: the flag is not lowered for each buffer to raise it again.
        loop {
            lower();
            sleep(QUIET).await;
            if !is_raised() || Instant::now() >= latest {
                break;
            }
        }
        give_back(lanes).await;
        lower();
        for quiet in AFTERMATH {
            if timeout(quiet, RAISED.notified()).await.is_ok() {
                RAISED.notify_one(); // the next burst has begun
                break;
            }
            give_back(lanes).await;
        }
    }
}

fn is_raised() -> bool {
    SPILLED.load(Ordering::Relaxed)
}

fn lower() {
    SPILLED.store(false, Ordering::Relaxed);
}

async fn give_back(lanes: &[Handle]) {
    Buffer::forget_kept();
    on_each(lanes, Buffer::forget_kept).await;
    trim();
    forget_text();
}

/// Runs `work` on the thread of every lane and waits until all are done.
async fn on_each(lanes: &[Handle], work: fn()) {
    let (held, mut all_dropped) = mpsc::channel::<Infallible>(1);
    for lane in lanes {
        let held = held.clone();
        Scope::root(lane.clone()).spawn(async move {
            work();
            drop(held);
        });
    }
    drop(held);
    let _closed = all_dropped.recv().await;
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the standard library cannot ask the allocator")]
fn trim() {
    // SAFETY: malloc_trim(3) takes no pointer and may be called by any thread at any time.
    unsafe { libc::malloc_trim(0) };
}

/// Other allocators give memory back by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
const fn trim() {}

/// Unmaps the program text that is as its files say; what runs next is mapped again from the
/// system's file cache.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the standard library has no madvise(2)")]
fn forget_text() {
    let Ok(own) = std::env::current_exe() else {
        return;
    };
    let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap_or_default();
    for range in text::unchanged(&smaps, &own) {
        let start = std::ptr::without_provenance_mut(range.start);
        // SAFETY: the range is a private mapping of a file that stays for as long as the process
        // does, and its pages are those of the file, so that what is read there does not change.
        unsafe { libc::madvise(start, range.len(), libc::MADV_DONTNEED) };
    }
}

#[cfg(not(target_os = "linux"))]
const fn forget_text() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_waited_for_and_then_the_next_one() {
        for spill in [spilled, || (0..MANY).for_each(|_| task_turned())] {
            spill();
            let forever = timeout(QUIET * 3, return_memory(&[]));
            assert!(forever.await.is_err(), "it ended");
        }
    }
}
