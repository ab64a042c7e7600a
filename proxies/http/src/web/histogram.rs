//! How long things took, in the form that Prometheus reads.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// The upper bounds in seconds: from what takes no waiting to the longest deadlines of both
/// programs. Those between 5 ms and 10 s are the defaults of Prometheus' own clients.
pub(super) const BOUNDS: [f64; 15] = [
    0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0,
];

/// Counts of durations by length. The numbers are statistics: they order nothing, so every access
/// is relaxed.
#[derive(Debug, Default)]
pub struct Histogram {
    counts: [AtomicU64; BOUNDS.len()],
    all: AtomicU64,
    micros: AtomicU64,
}

impl Histogram {
    /// Counts something that took `time`.
    pub fn observe(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        let slot = BOUNDS.iter().position(|bound| seconds <= *bound);
        if let Some(count) = slot.and_then(|slot| self.counts.get(slot)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        self.all.fetch_add(1, Ordering::Relaxed);
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.all.load(Ordering::Relaxed)
    }

    /// The seconds of all together.
    pub(super) fn sum(&self) -> f64 {
        Duration::from_micros(self.micros.load(Ordering::Relaxed)).as_secs_f64()
    }

    /// For each bound how many took at most that long.
    pub(super) fn up_to(&self) -> impl Iterator<Item = (f64, u64)> {
        let counts = self.counts.iter().scan(0, |below, count| {
            *below += count.load(Ordering::Relaxed);
            Some(*below)
        });
        BOUNDS.into_iter().zip(counts)
    }
}
