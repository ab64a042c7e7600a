//! Something taken from a shared resource, given back on drop.

use std::fmt;

/// A port, a route or a seat in a group; dropping the lease frees it.
#[must_use = "dropping a lease frees what it stands for at once"]
pub struct Lease(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Lease {
    /// A lease that runs `free` once, when it is dropped.
    pub fn new(free: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(free)))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(free) = self.0.take() {
            free();
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lease")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use super::Lease;

    #[test]
    fn frees_once_on_drop() {
        let freed = Arc::new(AtomicU32::new(0));
        let seen = Arc::clone(&freed);
        let lease = Lease::new(move || {
            seen.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(freed.load(Ordering::Relaxed), 0);
        drop(lease);
        assert_eq!(freed.load(Ordering::Relaxed), 1);
    }
}
