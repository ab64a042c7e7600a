//! Keeps as many paths as there should be: dials what is missing, lets go what is too much.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use culvert_io::network::Changes;
use culvert_transport::report;
use tokio::{sync::mpsc, time::Instant};

use super::{Bundle, Further, Path, Strand, Traffic, wanted};
use crate::{
    backoff::{Backoff, chance},
    paths::watch,
};

/// How often is looked at what the paths carry.
const LOOK: Duration = Duration::from_secs(1);

/// How long a path must have been too much before it is let go: downloads come in rows.
const SPARE: Duration = Duration::from_secs(60);

/// When a further path may be dialled, and since when there is one too many.
#[derive(Debug, Default)]
struct Plan {
    backoff: Backoff,
    not_before: Option<Instant>,
    spare_since: Option<Instant>,
}

impl Bundle {
    /// Looks after the paths until dropped.
    pub(crate) async fn keep(self: Arc<Self>) {
        let mut changes = Changes::watch();
        let mut looked = Instant::now();
        let mut plan = Plan::default();
        let (done, mut dialled) = mpsc::channel(1);
        loop {
            tokio::select! {
                () = changes.next() => self.look_at_network(),
                () = tokio::time::sleep(self.pause()) => self.look(&mut looked),
                () = self.changed.notified() => {}
                Some(success) = dialled.recv() => plan.dialled(success),
            }
            self.replace_suspects();
            self.fit(&mut plan, &done);
        }
    }

    /// How long nobody needs to look.
    fn pause(&self) -> Duration {
        let table = self.table.lock();
        let lively = table.further.as_ref().is_some_and(|further| further.lively);
        match lively && !table.work.is_empty() {
            true => watch::LOOK,
            false => LOOK,
        }
    }

    /// Looks at the paths and what is on them, and closes those that have drained.
    fn look(&self, looked: &mut Instant) {
        let work = match &*self.table.lock() {
            table if table.further.as_ref().is_some_and(|f| f.lively) => table.work.clone(),
            _ => Vec::new(),
        };
        // That of the control stream is watched by those who may move it.
        work.iter().for_each(|strand| strand.look_for_life());
        if looked.elapsed() < LOOK {
            return;
        }
        *looked = Instant::now();
        for strand in self.strands() {
            strand.look();
        }
        let drained = self.table.lock().draining.done();
        self.close_all(drained, "drained");
    }

    /// What all paths for work connections carry, and how many there are. One that is not well
    /// counts only if the control stream is on it, which moves by itself.
    fn traffic(&self) -> (usize, Traffic) {
        let table = self.table.lock();
        let control = table.control.iter().filter(|_| !table.are_apart());
        let work = table.work.iter().filter(|strand| !strand.is_suspect());
        let well = control.chain(work);
        let mut traffic = Traffic::default();
        let mut count = 0;
        for strand in well {
            count += 1;
            traffic.bulk += strand.bulk();
            traffic.streams += strand.streams();
            let shortest = match count {
                1 => strand.round_trip(),
                _ => traffic.round_trip.min(strand.round_trip()),
            };
            traffic.round_trip = shortest;
        }
        (count, traffic)
    }

    /// How to make further paths, while there is a session.
    fn further(&self) -> Option<Further> {
        let table = self.table.lock();
        table.further.clone().filter(|_| table.control.is_some())
    }

    /// Dials one more path if one is missing, and lets one go that is too much. Only while there
    /// is a session: nobody else answers for the paths.
    fn fit(self: &Arc<Self>, plan: &mut Plan, done: &mpsc::Sender<bool>) {
        let Some(further) = self.further() else {
            return;
        };
        let (have, traffic) = self.traffic();
        let want = wanted(self.sessions, traffic);
        let now = Instant::now();
        if have <= want {
            plan.spare_since = None;
        }
        if have < want && plan.not_before.is_none_or(|at| now >= at) {
            self.dial_further(further, done);
        }
        if have > want {
            let since = *plan.spare_since.get_or_insert(now);
            if now.duration_since(since) >= SPARE {
                plan.spare_since = None;
                self.let_go();
            }
        }
    }

    /// Dials a further path in the background, one at a time.
    fn dial_further(self: &Arc<Self>, further: Further, done: &mpsc::Sender<bool>) {
        if self.dialling.swap(true, Ordering::AcqRel) {
            return;
        }
        let (bundle, done) = (Arc::clone(self), done.clone());
        self.spawn(async move {
            let dialled = further.dial.connect(&bundle.root).await;
            let success = dialled.is_ok();
            match dialled {
                Ok(path) => {
                    tracing::info!("one more link to the server over {}", path.rung);
                    bundle.take_in(path);
                }
                Err(err) => {
                    tracing::debug!("one more link to the server failed: {}", report(&err));
                }
            }
            bundle.dialling.store(false, Ordering::Release);
            // Who keeps the paths may have gone.
            let _gone = done.send(success).await;
        });
    }

    fn take_in(self: &Arc<Self>, path: Path) {
        let strand = self.strand(path);
        self.watch(&strand);
        // Streams of others have proved who we are; the limits for strangers hold on their side.
        strand.path.session.authenticate();
        let mut table = self.table.lock();
        table.fresh.push(Arc::clone(&strand));
        table.work.push(strand);
        drop(table);
        self.dialled.notify_one();
    }

    /// Lets paths go that are believed to be dead, once there is another in their place.
    fn replace_suspects(&self) {
        let over = {
            let mut table = self.table.lock();
            if !table.live().any(|strand| !strand.is_suspect()) {
                return;
            }
            // The control stream moves by a login.
            let (bad, good) = table
                .work
                .drain(..)
                .partition(|s: &Arc<Strand>| s.is_suspect());
            table.work = good;
            let bad: Vec<_> = bad;
            table.fresh.retain(|strand| !strand.is_suspect());
            let add = |strand| table.draining.add(strand);
            bad.into_iter().flat_map(add).collect::<Vec<_>>()
        };
        self.close_all(over, "drained");
    }

    /// Lets the path go that has the least on it.
    fn let_go(&self) {
        let over = {
            let mut table = self.table.lock();
            let least = table.work.iter().min_by_key(|strand| strand.burden(false));
            let Some(least) = least.map(Arc::clone) else {
                return;
            };
            tracing::info!("one link less to the server, over {}", least.path.rung);
            table.work.retain(|other| !Arc::ptr_eq(other, &least));
            table.draining.add(least)
        };
        self.close_all(over, "drained");
    }
}

impl Plan {
    fn dialled(&mut self, success: bool) {
        let wait = match success {
            true => {
                self.backoff.succeeded();
                return self.not_before = None;
            }
            false => self.backoff.failed(chance()),
        };
        self.not_before = Some(Instant::now() + wait);
    }
}
