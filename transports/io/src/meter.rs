//! Byte and connection counters that relays write and metrics read.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// What went through one proxy, counted by all its connections at once.
///
/// The numbers are statistics: they order nothing, so every access is relaxed.
#[derive(Debug, Default)]
pub struct Meter {
    inward: AtomicU64,
    outward: AtomicU64,
    connections: AtomicU64,
    opened: AtomicU64,
}

/// One open connection; dropping it counts it as closed.
#[derive(Debug)]
pub struct Connected {
    meter: Arc<Meter>,
}

impl Meter {
    /// A meter that stands at zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts bytes from users towards the service, upstream's "traffic in".
    pub fn add_in(&self, bytes: u64) {
        self.inward.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts bytes from the service towards users, upstream's "traffic out".
    pub fn add_out(&self, bytes: u64) {
        self.outward.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes from users so far.
    #[must_use]
    pub fn bytes_in(&self) -> u64 {
        self.inward.load(Ordering::Relaxed)
    }

    /// Bytes towards users so far.
    #[must_use]
    pub fn bytes_out(&self) -> u64 {
        self.outward.load(Ordering::Relaxed)
    }

    /// Connections that are open now.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Connections that were ever opened.
    #[must_use]
    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    /// Counts one more open connection until the answer is dropped.
    #[must_use]
    pub fn connected(self: &Arc<Self>) -> Connected {
        self.connections.fetch_add(1, Ordering::Relaxed);
        self.opened.fetch_add(1, Ordering::Relaxed);
        Connected {
            meter: Arc::clone(self),
        }
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.meter.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_bytes_and_open_connections() {
        let meter = Arc::new(Meter::new());
        let first = meter.connected();
        let second = meter.connected();
        meter.add_in(3);
        meter.add_in(4);
        meter.add_out(5);
        assert_eq!((meter.bytes_in(), meter.bytes_out()), (7, 5));
        assert_eq!(meter.connections(), 2);
        drop(first);
        assert_eq!(meter.connections(), 1);
        drop(second);
        assert_eq!((meter.connections(), meter.opened()), (0, 2));
    }
}
