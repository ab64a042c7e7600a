//! The paths of one login: which there are, and which of them the next stream goes over.
//!
//! One path carries the control stream. The others carry work connections only, which the server
//! matches by run id whichever path they come on (protocol 3.4); without others, or when all of
//! them are gone, the control stream's path carries work connections too. A bundle outlives the
//! login: a path that nothing is wrong with serves the next one.

mod choice;
mod keep;
mod strand;

use std::{
    fmt,
    future::Future,
    sync::{Arc, atomic::AtomicBool},
};

use culvert_conf::{ClientConfig, Protocol, Sessions};
use culvert_io::{Peer, Scope, Stream};
use culvert_transport::{BoxFuture, TransportError};
use culvert_transports::Transports;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{Ladder, Path, Rung, drain::Draining, watch::KEEPALIVE};
use choice::{Traffic, wanted};
pub(crate) use strand::{Origin, Strand};

/// What makes further links to one server, without a login.
pub(crate) trait Dial: fmt::Debug + Send + Sync {
    /// A new path; what drives it lives in `scope`.
    fn connect<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, Result<Path, TransportError>>;
}

impl Dial for Ladder {
    fn connect<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, Result<Path, TransportError>> {
        Box::pin(Self::connect(self, scope))
    }
}

/// How work connections get paths besides that of the control stream.
#[derive(Clone, Debug)]
pub(crate) struct Further {
    pub(crate) dial: Arc<dyn Dial>,
    /// Whether it is another way, which they take if they can.
    pub(crate) apart: bool,
    /// Whether its links ask for a sign of life so often that silence means something.
    pub(crate) lively: bool,
}

/// How the paths to one server are made.
#[derive(Clone, Debug)]
pub(crate) struct Ways {
    /// That of the control stream, and all others if they have no way of their own.
    pub(crate) control: Arc<Ladder>,
    /// Those of work connections, if in another way.
    work: Option<Arc<Ladder>>,
    /// Whether the control stream's links ask for signs of life often.
    lively: bool,
}

impl Ways {
    /// Those that the configuration wants. Reads certificate files; does no network I/O.
    ///
    /// # Errors
    /// A file cannot be used, or this build does not have a transport.
    pub(crate) fn new(
        config: &ClientConfig,
        transports: &Transports,
    ) -> Result<Self, TransportError> {
        let ladder = |config: &ClientConfig| Ladder::new(config, transports).map(Arc::new);
        let work = config.for_work_conns().map(|mut config| {
            // So that one that falls silent is noticed before users notice.
            let quic = &mut config.transport.quic;
            quic.keepalive_period = quic.keepalive_period.min(KEEPALIVE);
            if let Some(mux) = &mut config.transport.tcp_mux {
                mux.keepalive_interval = mux.keepalive_interval.min(KEEPALIVE);
            }
            ladder(&config)
        });
        Ok(Self {
            control: ladder(config)?,
            work: work.transpose()?,
            lively: config.transport.protocol == Protocol::Auto,
        })
    }

    pub(crate) fn further(&self) -> Further {
        let dial = self.work.as_ref().unwrap_or(&self.control);
        Further {
            dial: Arc::<Ladder>::clone(dial),
            apart: self.work.is_some(),
            lively: self.lively || self.work.is_some(),
        }
    }

    /// Ends what transports keep running between dials.
    ///
    /// *Cancel safety*: what was to end, ends when all ways are dropped.
    pub(crate) async fn close(&self) {
        self.control.close().await;
        if let Some(work) = &self.work {
            work.close().await;
        }
    }
}

/// The paths of one login.
#[derive(Debug)]
pub(crate) struct Bundle {
    sessions: Sessions,
    /// What drives the paths.
    root: Scope,
    table: Mutex<Table>,
    /// Somebody dials a further path.
    dialling: AtomicBool,
    /// Told when there may be something to do about the paths.
    changed: Notify,
    /// Told when a path was dialled that the server has not heard anything on.
    dialled: Notify,
    /// Told when the control stream should have another path.
    unwell: Notify,
}

#[derive(Debug, Default)]
struct Table {
    further: Option<Further>,
    /// Carries the control stream.
    control: Option<Arc<Strand>>,
    /// Carry work connections only.
    work: Vec<Arc<Strand>>,
    draining: Draining,
    /// Of `work`, those that the server has not heard anything on.
    fresh: Vec<Arc<Strand>>,
}

impl Table {
    /// Whether work connections have a way of their own.
    fn are_apart(&self) -> bool {
        self.further.as_ref().is_some_and(|further| further.apart)
    }

    fn live(&self) -> impl Iterator<Item = &Arc<Strand>> {
        self.control.iter().chain(&self.work)
    }
}

impl Bundle {
    /// No paths yet.
    pub(crate) fn new(sessions: Sessions, root: &Scope) -> Self {
        Self {
            sessions,
            root: root.clone(),
            table: Mutex::default(),
            dialling: AtomicBool::new(false),
            changed: Notify::new(),
            dialled: Notify::new(),
            unwell: Notify::new(),
        }
    }

    /// What drives the paths.
    pub(crate) const fn scope(&self) -> &Scope {
        &self.root
    }

    fn strand(&self, path: Path) -> Arc<Strand> {
        Arc::new(Strand::new(path, self.sessions != Sessions::default()))
    }

    /// Takes a path on which the server, at `to`, has answered a login; it carries the control
    /// stream from now. The one before drains.
    pub(crate) fn lead(self: &Arc<Self>, path: Path, to: &Peer, further: Further) {
        let strand = self.strand(path);
        strand.leads_to(to);
        self.watch(&strand);
        let over = {
            let mut table = self.table.lock();
            if !further.apart {
                // They follow it to a better way, or away from a bad one.
                let rung = &strand.path.rung;
                let others = table.work.iter().filter(|other| other.path.rung != *rung);
                others.for_each(|other| other.suspect());
            }
            table.further = Some(further);
            let before = table.control.replace(strand);
            before.map_or_else(Vec::new, |before| table.draining.add(before))
        };
        self.close_all(over, "drained");
        self.changed();
    }

    /// Notes that the control stream has ended; what else is on its path may go on.
    pub(crate) fn lost(&self) {
        let over = {
            let mut table = self.table.lock();
            let control = table.control.take();
            control.map_or_else(Vec::new, |control| table.draining.add(control))
        };
        self.close_all(over, "session lost");
    }

    /// A new stream over the path with the least on it; those that are well come first, and where
    /// one fails the next is tried.
    ///
    /// *Cancel safety*: no stream is opened.
    ///
    /// # Errors
    /// There is no path, or none works.
    pub(crate) async fn open(&self) -> Result<Stream, TransportError> {
        let mut failed = None;
        for strand in self.ranked() {
            match strand.open().await {
                Ok(stream) => return Ok(stream),
                Err(err) => {
                    strand.failed();
                    failed = failed.or(Some(err));
                }
            }
        }
        let none = || TransportError::Closed("no link to the server".to_owned());
        Err(failed.unwrap_or_else(none))
    }

    /// The paths, that for the next stream first.
    fn ranked(&self) -> Vec<Arc<Strand>> {
        let table = self.table.lock();
        let apart = table.are_apart();
        let control = table.control.iter().map(|strand| (strand, apart));
        let work = table.work.iter().map(|strand| (strand, false));
        let mut ranked: Vec<_> = control
            .chain(work)
            .map(|(strand, fallback)| (strand.burden(fallback), Arc::clone(strand)))
            .collect();
        drop(table);
        ranked.sort_by_key(|(burden, _)| *burden);
        ranked.into_iter().map(|(_, strand)| strand).collect()
    }

    /// Waits for a further path that the server has not heard anything on: a server closes
    /// connections that say nothing.
    ///
    /// *Cancel safety*: safe.
    pub(crate) async fn fresh(&self) -> Arc<Strand> {
        loop {
            let dialled = self.dialled.notified();
            if let Some(strand) = self.table.lock().fresh.pop() {
                return strand;
            }
            dialled.await;
        }
    }

    /// The path of the control stream, while there is a session.
    pub(crate) fn control(&self) -> Option<Arc<Strand>> {
        self.table.lock().control.clone()
    }

    /// Believes every path over this rung to be dead or bad.
    pub(crate) fn doubt(&self, rung: &Rung) {
        for strand in self.strands() {
            if strand.path.rung == *rung {
                strand.suspect();
            }
        }
        self.changed();
    }

    /// Waits until the control stream should have another path than it has.
    ///
    /// *Cancel safety*: safe.
    pub(crate) async fn unwell(&self) {
        loop {
            let unwell = self.unwell.notified();
            if self.control().is_some_and(|strand| strand.is_suspect()) {
                return;
            }
            unwell.await;
        }
    }

    /// The paths that take new streams.
    pub(super) fn strands(&self) -> Vec<Arc<Strand>> {
        self.table.lock().live().map(Arc::clone).collect()
    }

    /// Says that there may be something to do about the paths.
    pub(super) fn changed(&self) {
        self.changed.notify_one();
        self.unwell.notify_one();
    }

    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.root.spawn(work);
    }

    /// Waits, in the background, for the end of a path.
    fn watch(self: &Arc<Self>, strand: &Arc<Strand>) {
        let (bundle, strand) = (Arc::clone(self), Arc::clone(strand));
        self.spawn(async move {
            let why = strand.path.session.closed().await;
            if bundle.forget(&strand) {
                tracing::info!("the link over {} ended: {why}", strand.path.rung);
            }
            bundle.changed();
        });
    }

    /// Takes a path out that has ended; whether it was still in use.
    fn forget(&self, strand: &Arc<Strand>) -> bool {
        let is_other = |other: &Arc<Strand>| !Arc::ptr_eq(other, strand);
        let mut table = self.table.lock();
        table.draining.remove(strand);
        table.fresh.retain(is_other);
        let before = table.live().count();
        table.work.retain(is_other);
        table.control = table.control.take().filter(is_other);
        table.live().count() < before
    }

    fn close_all(&self, over: Vec<Arc<Strand>>, why: &'static str) {
        for strand in over {
            self.spawn(async move { strand.path.close(why).await });
        }
    }

    /// Ends every path.
    ///
    /// *Cancel safety*: those that were not reached end with the program.
    pub(crate) async fn close(&self, why: &str) {
        let all = {
            let mut table = self.table.lock();
            let mut all = table.draining.take();
            all.extend(table.control.take());
            all.append(&mut table.work);
            all
        };
        for strand in all {
            strand.path.close(why).await;
        }
    }
}

#[cfg(test)]
mod tests;
