//! Lines on their way to a thread that writes them: whoever logs never waits for a disk or a pipe.

use std::{
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};

use chrono::{DateTime, Local};
use parking_lot::{Condvar, Mutex};

/// Bytes that may wait to be written: 25,000 usual lines. What does not fit is counted and lost.
const MOST: usize = 4 << 20;

/// Where lines end up.
pub(super) trait Out: Send + 'static {
    /// Writes whole lines; what cannot be written is lost.
    fn write(&mut self, now: DateTime<Local>, lines: &[u8]);
}

/// The way to one [`Out`].
pub(super) struct Queue {
    inner: Mutex<Inner>,
    /// Told when there is something to write.
    filled: Condvar,
    /// Told when all was written.
    emptied: Condvar,
    most: usize,
}

#[derive(Default)]
struct Inner {
    waiting: Vec<u8>,
    lost: u64,
    /// Whether lines were taken that are not yet written.
    writing: bool,
}

impl Queue {
    /// Begins to write to `out` on a thread of its own, to the end of the process. `complaint`
    /// makes a line of how many were lost.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(super) fn start(
        mut out: impl Out,
        complaint: impl Fn(u64) -> String + Send + 'static,
    ) -> std::io::Result<Arc<Self>> {
        let queue = Self::new(MOST);
        let taken = Arc::clone(&queue);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || {
                loop {
                    taken.write_to(&mut out, &complaint);
                }
            })?;
        every().lock().push(Arc::clone(&queue));
        Ok(queue)
    }

    fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::default(),
            filled: Condvar::new(),
            emptied: Condvar::new(),
            most,
        })
    }

    /// Adds a line; never waits.
    pub(super) fn push(&self, line: &str) {
        let mut inner = self.inner.lock();
        if inner.waiting.len().saturating_add(line.len()) > self.most {
            inner.lost = inner.lost.saturating_add(1);
            return;
        }
        inner.waiting.extend_from_slice(line.as_bytes());
        drop(inner);
        self.filled.notify_one();
    }

    /// Waits for lines and writes all that there are.
    fn write_to(&self, out: &mut impl Out, complaint: &impl Fn(u64) -> String) {
        let mut inner = self.inner.lock();
        while inner.waiting.is_empty() && inner.lost == 0 {
            self.filled.wait(&mut inner);
        }
        let mut lines = std::mem::take(&mut inner.waiting);
        let lost = std::mem::take(&mut inner.lost);
        inner.writing = true;
        drop(inner);
        if lost > 0 {
            lines.extend_from_slice(complaint(lost).as_bytes());
        }
        out.write(Local::now(), &lines);
        self.inner.lock().writing = false;
        self.emptied.notify_all();
    }

    /// Waits until everything is written, or `limit` has passed.
    fn flush(&self, limit: Duration) {
        let mut inner = self.inner.lock();
        let busy = |inner: &mut Inner| inner.writing || !inner.waiting.is_empty();
        // When nobody takes the lines, the program ends all the same.
        let _late = self.emptied.wait_while_for(&mut inner, busy, limit);
    }
}

/// Every queue of this process.
fn every() -> &'static Mutex<Vec<Arc<Queue>>> {
    static QUEUES: OnceLock<Mutex<Vec<Arc<Queue>>>> = OnceLock::new();
    QUEUES.get_or_init(Mutex::default)
}

/// Waits until all lines of this process are written, for at most `limit` each place.
pub(crate) fn flush(limit: Duration) {
    let queues = every().lock().clone();
    for queue in queues {
        queue.flush(limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Kept(Vec<u8>);

    impl Out for Kept {
        fn write(&mut self, _: DateTime<Local>, lines: &[u8]) {
            self.0.extend_from_slice(lines);
        }
    }

    #[test]
    fn what_does_not_fit_is_lost_and_told() {
        let queue = Queue::new(8);
        for line in ["one\n", "two\n", "three\n", "4\n"] {
            queue.push(line);
        }
        let mut out = Kept(Vec::new());
        let complaint = |n| format!("{n} lost\n");
        queue.write_to(&mut out, &complaint);
        assert_eq!(out.0, b"one\ntwo\n2 lost\n");
        queue.push("five\n");
        queue.write_to(&mut out, &complaint);
        assert!(out.0.ends_with(b"2 lost\nfive\n"));
        queue.flush(Duration::from_secs(60));
    }

    #[test]
    fn flushing_waits_for_the_thread_that_writes_and_not_for_ever() {
        struct Tells(std::sync::mpsc::Sender<Vec<u8>>);
        impl Out for Tells {
            fn write(&mut self, _: DateTime<Local>, lines: &[u8]) {
                self.0.send(lines.to_vec()).unwrap();
            }
        }
        let (tell, told) = std::sync::mpsc::channel();
        let queue = Queue::start(Tells(tell), |_| String::new()).unwrap();
        queue.push("a\n");
        queue.flush(Duration::from_secs(60));
        assert_eq!(told.try_recv().unwrap(), b"a\n");

        let stuck = Queue::new(8);
        stuck.push("b\n");
        stuck.flush(Duration::from_millis(1));
    }
}
