//! The rungs of one server: dials them, and keeps what was seen of them.

use std::{
    net::IpAddr,
    time::{Duration, SystemTime},
};

use culvert_conf::{AutoTransport, ClientConfig, Protocol};
use culvert_io::Scope;
use culvert_transport::{BoxFuture, TransportError};
use culvert_transports::Transports;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{
    Evidence, Path, Rung,
    memory::{self, Memory},
    race::{Outcome, Timing, race},
    standing::Standings,
    way::{Way, candidates},
    words,
};
use crate::{backoff::chance, causes::Cause, session::LoginError};

/// How long a server of which nothing is known may take to answer a login before the next way is
/// tried as well; two logins in a row are harmless, only wasteful.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many times as long as last time it may take.
const SLOWER: u32 = 4;

/// Why this rung is in use.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    pub(super) index: usize,
    pub(super) since: SystemTime,
    pub(super) took: Duration,
    pub(super) why: String,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) standings: Standings,
    memory: Memory,
    /// The network that the machine was on.
    place: String,
    /// How long the server took to answer the last login.
    answer: Duration,
    /// Why each rung failed last; `None` = it did not.
    pub(super) faults: Vec<Option<String>>,
    pub(super) chosen: Option<Chosen>,
    /// How often another rung took over.
    pub(super) switches: u64,
}

/// The rungs of one server, best first.
#[derive(Debug)]
pub(crate) struct Ladder {
    pub(super) ways: Vec<Way>,
    /// `None` where the transport is fixed: then there is one rung, and nothing to decide.
    pub(super) auto: Option<AutoTransport>,
    server: (String, u16),
    from: Option<IpAddr>,
    pub(super) state: Mutex<State>,
}

impl Ladder {
    /// The rungs that the configuration wants. Reads certificate files and the file of winners;
    /// does no network I/O.
    ///
    /// # Errors
    /// A file cannot be used, or this build does not have the transport.
    pub(crate) fn new(
        config: &ClientConfig,
        transports: &Transports,
    ) -> Result<Self, TransportError> {
        let auto = (config.transport.protocol == Protocol::Auto).then_some(&config.transport.auto);
        let ways = match auto {
            Some(auto) => candidates(config, auto, transports)?,
            None => vec![Way::new(config, transports)?],
        };
        let interval = auto.map_or(Duration::MAX, |auto| auto.probe_interval);
        let memory = auto.map(|auto| Memory::open(auto.state_file.as_deref()));
        let state = State {
            standings: Standings::new(ways.len(), interval),
            memory: memory.unwrap_or_default(),
            place: String::new(),
            answer: Duration::ZERO,
            faults: vec![None; ways.len()],
            chosen: None,
            switches: 0,
        };
        Ok(Self {
            ways,
            auto: auto.cloned(),
            server: (config.server_addr.clone(), config.server_port),
            from: config.transport.connect_local_ip,
            state: Mutex::new(state),
        })
    }

    /// A link over which `prove` succeeded, which is to log in, and what it answered. Where the
    /// transport may be chosen, several are tried, `avoid` last. What drives them lives in `scope`.
    ///
    /// *Cancel safety*: safe; links that are up close when they are dropped.
    ///
    /// # Errors
    /// No rung leads to an frps, or the server refuses the login.
    pub(crate) async fn reach<'a, T: Send + 'a>(
        &'a self,
        scope: &'a Scope,
        avoid: Option<&Rung>,
        prove: impl Fn(Path) -> BoxFuture<'a, Result<T, LoginError>>,
    ) -> Result<(Path, T), LoginError> {
        let Some(auto) = &self.auto else {
            let path = self.dial(0, scope).await?;
            return match prove(path.clone()).await {
                Ok(proof) => Ok((path, proof)),
                Err(err) => {
                    path.close("login failed").await;
                    Err(err)
                }
            };
        };
        let avoid = avoid.and_then(|rung| self.index(rung));
        let (order, answer) = self.look_around(avoid);
        let timing = Timing {
            head_start: auto.head_start,
            patience: PATIENCE.max(answer.saturating_mul(SLOWER)),
        };
        let begun = Instant::now();
        let dial = |index| -> BoxFuture<'a, _> { Box::pin(self.dial(index, scope)) };
        let outcome = race(order, timing, dial, prove).await;
        self.settle(outcome, avoid, begun.elapsed(), scope)
    }

    /// One more link for the session in use: over the same rung, or over the next that works.
    ///
    /// *Cancel safety*: safe; the attempts are given up.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub(crate) async fn connect(&self, scope: &Scope) -> Result<Path, TransportError> {
        let (current, order) = {
            let state = self.state.lock();
            (
                state.standings.current(),
                state.standings.order(Instant::now()),
            )
        };
        let mut failed = match self.dial(current.unwrap_or(0), scope).await {
            Ok(path) => return Ok(path),
            Err(err) => err,
        };
        for index in order.into_iter().filter(|index| Some(*index) != current) {
            match self.probe(index, scope).await {
                Ok(path) => return Ok(path),
                Err(err) => failed = err,
            }
        }
        Err(failed)
    }

    /// Takes note of what was seen of a rung.
    pub(crate) fn report(&self, rung: &Rung, evidence: Evidence) {
        let Some(index) = self.index(rung) else {
            return;
        };
        let (now, mut state) = (Instant::now(), self.state.lock());
        match evidence {
            Evidence::Failed => state.standings.failed(index, now, chance()),
            Evidence::WentBad => state.standings.went_bad(index, now, chance()),
            Evidence::Died => state.standings.died(index, now, chance()),
        }
    }

    /// The session now stands on `path`, which [`advice`](Self::advice) found; `why` it does.
    pub(crate) fn stands_on(&self, path: &Path, why: String, scope: &Scope) {
        let (transport, took) = (path.rung.transport.as_str(), path.took.as_millis());
        tracing::info!("transport: {transport} after {took} ms: {why}");
        self.choose(path, why, scope);
    }

    fn choose(&self, path: &Path, why: String, scope: &Scope) {
        let Some(index) = self.index(&path.rung) else {
            return;
        };
        let mut state = self.state.lock();
        let before = state.chosen.take();
        if before.is_some_and(|before| before.index != index) {
            state.switches = state.switches.saturating_add(1);
        }
        state.standings.chosen(index, Instant::now(), chance());
        if let Some(fault) = state.faults.get_mut(index) {
            *fault = None;
        }
        state.chosen = Some(Chosen {
            index,
            since: SystemTime::now(),
            took: path.took,
            why,
        });
        let place = state.place.clone();
        if let Some(note) = state.memory.note(&place, &path.rung.to_string()) {
            scope.spawn(async move {
                let written = tokio::task::spawn_blocking(move || note.write());
                // It has said itself what was wrong; there is nothing to do but to go on.
                drop(written.await);
            });
        }
    }

    /// Ends what transports keep running between dials.
    ///
    /// *Cancel safety*: what was to end, ends when the ladder is dropped.
    pub(crate) async fn close(&self) {
        for way in &self.ways {
            way.close().await;
        }
    }

    /// In which order to dial, and how long the server took to answer last time. On another network
    /// than last time, what was seen there counts for nothing.
    fn look_around(&self, avoid: Option<usize>) -> (Vec<usize>, Duration) {
        let place = memory::place(&self.server.0, self.server.1, self.from);
        let mut state = self.state.lock();
        if state.place != place {
            let winner = state.memory.winner(&place);
            let named = |way: &Way| winner == Some(&*way.rung.to_string());
            let favourite = self.ways.iter().position(named);
            state.standings.moved(favourite);
            state.place = place;
        }
        let mut order = state.standings.order(Instant::now());
        let avoided = order.iter().position(|index| avoid == Some(*index));
        if let Some(last) = avoided.map(|at| order.remove(at)) {
            order.push(last);
        }
        (order, state.answer)
    }

    /// Draws the conclusions of a race.
    fn settle<T>(
        &self,
        outcome: Outcome<Path, T>,
        avoid: Option<usize>,
        took: Duration,
        scope: &Scope,
    ) -> Result<(Path, T), LoginError> {
        let others = words::others(&self.ways, &outcome);
        for (index, err) in &outcome.faults {
            self.failed(*index, err);
        }
        for loser in outcome.losers {
            scope.spawn(async move { loser.close("another transport won").await });
        }
        let Some((index, path, proof)) = outcome.won else {
            return Err(words::no_way(&self.ways, outcome.faults));
        };
        if let Some(bad) = avoid.filter(|bad| *bad != index) {
            let mut state = self.state.lock();
            state.standings.went_bad(bad, Instant::now(), chance());
        }
        self.state.lock().answer = took.saturating_sub(path.took);
        let transport = path.rung.transport.as_str();
        tracing::info!(
            "transport: {transport} after {} ms{others}",
            took.as_millis()
        );
        let why = if avoid.is_some() {
            "the one before went bad"
        } else {
            "first to answer"
        };
        self.choose(&path, format!("{why}{others}"), scope);
        Ok((path, proof))
    }

    pub(super) fn failed(&self, index: usize, err: &LoginError) {
        let Some(way) = self.ways.get(index) else {
            return;
        };
        let cause = Cause::of_login(&way.rung.transport, err);
        tracing::debug!("{}: {cause}: {err}", way.rung);
        let mut state = self.state.lock();
        state.standings.failed(index, Instant::now(), chance());
        if let Some(fault) = state.faults.get_mut(index) {
            *fault = Some(cause.to_string());
        }
    }

    /// A link over one rung.
    pub(super) async fn dial(&self, index: usize, scope: &Scope) -> Result<Path, TransportError> {
        match self.ways.get(index) {
            Some(way) => way.dial(scope).await,
            None => Err(TransportError::Internal("no such rung".to_owned())),
        }
    }

    pub(super) fn index(&self, rung: &Rung) -> Option<usize> {
        self.ways.iter().position(|way| way.rung == *rung)
    }
}
