//! Who has logged in, by the `sub` of their tokens (upstream: pkg/auth/oidc.go).

use std::collections::HashSet;

use parking_lot::Mutex;

/// The most subjects that are remembered: as many as there can be clients with a port of their
/// own. They come from the provider, so only that could make more.
const MOST: usize = 65_536;

/// Everybody who has logged in since the server started.
#[derive(Debug, Default)]
pub(super) struct Subjects(Mutex<HashSet<String>>);

impl Subjects {
    /// Remembers `subject`, unless there are too many already.
    pub(super) fn add(&self, subject: String) {
        let mut all = self.0.lock();
        if all.len() < MOST {
            all.insert(subject);
        } else if !all.contains(&subject) {
            tracing::warn!("more than {MOST} OIDC subjects have logged in, one is not remembered");
        }
    }

    pub(super) fn has(&self, subject: &str) -> bool {
        self.0.lock().contains(subject)
    }
}
