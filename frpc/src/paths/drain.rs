//! Paths that get no new streams: each lives as long as the streams that it has.

use std::{collections::VecDeque, sync::Arc};

use super::bundle::Strand;

/// Paths that may drain at once: with the nine that a bundle uses at most, sixteen. Only a network
/// that keeps changing under connections that never end has more, and then the oldest is the least
/// likely to be alive.
const MOST: usize = 7;

/// Paths that drain, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Draining(VecDeque<Arc<Strand>>);

impl Draining {
    /// Takes a path in. Answers those to close: itself, if nothing is on it or nobody counts what
    /// is, and the oldest, if there are too many.
    pub(super) fn add(&mut self, strand: Arc<Strand>) -> Vec<Arc<Strand>> {
        self.0.push_back(strand);
        let mut over = self.done();
        while self.0.len() > MOST {
            over.extend(self.0.pop_front());
        }
        over
    }

    /// Takes out the paths whose last stream is gone.
    pub(super) fn done(&mut self) -> Vec<Arc<Strand>> {
        let all = std::mem::take(&mut self.0).into_iter();
        let (done, left): (Vec<_>, Vec<_>) = all.partition(|strand| strand.streams() == 0);
        self.0 = left.into();
        done
    }

    /// Takes out one path, because it has ended.
    pub(super) fn remove(&mut self, strand: &Arc<Strand>) -> bool {
        let before = self.0.len();
        self.0.retain(|other| !Arc::ptr_eq(other, strand));
        self.0.len() < before
    }

    /// Takes out all of them.
    pub(super) fn take(&mut self) -> Vec<Arc<Strand>> {
        std::mem::take(&mut self.0).into()
    }
}
