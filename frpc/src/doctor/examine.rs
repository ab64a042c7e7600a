//! Trying everything, in three rounds: what the file and habit suggest, all at once; then, where
//! something failed, what answers there; then, where nothing passed, what could be set otherwise.

use std::time::Duration;

use culvert_conf::{ClientConfig, Protocol};
use culvert_io::Scope;
use culvert_transports::Transports;
use culvert_wire::msg::Login;
use futures_util::future::join_all;

use super::{
    greeting::Greeting,
    ground,
    progress::Progress,
    seen::{Seen, Trial, Udp},
    trial::Common,
    way::{Change, Rank, Way, ways},
};
use crate::{Cause, auth::Auth, session::Who};

/// The port where web servers tell the time.
const HTTP: u16 = 80;

/// One server to look at.
pub(super) struct Examination<'a> {
    pub(super) file: &'a ClientConfig,
    pub(super) transports: &'a Transports,
    pub(super) auth: &'a Auth,
    /// How long each step may take.
    pub(super) limit: Duration,
    pub(super) scope: &'a Scope,
    pub(super) progress: &'a Progress,
}

impl Examination<'_> {
    /// Looks at everything.
    ///
    /// *Cancel safety*: connections are closed.
    pub(super) async fn run(&self) -> Seen {
        let names: Vec<_> = self.transports.names().collect();
        let ways = ways(self.file, &names, |name| std::env::var(name).ok());
        let base = self.base(&ways);
        let (ask, no_proof) = self.ask(&base).await;
        let common = Common {
            file: self.file,
            transports: self.transports,
            auth: self.auth,
            ask: &ask,
            limit: self.limit,
            scope: self.scope,
        };
        let (ground, trials) = tokio::join!(self.ground(&base), self.trials(common, ways));
        let mut seen = Seen { trials, ..ground };
        self.ask_again(&base, &mut seen).await;
        if seen.trials.iter().all(|trial| trial.outcome.is_err()) {
            let more = self.trials(common, changed(&seen.trials)).await;
            seen.trials.extend(more);
        }
        for trial in &mut seen.trials {
            if let (Err(cause @ Cause::Token), Some(why)) = (&mut trial.outcome, &no_proof) {
                *cause = why.clone();
            }
        }
        seen
    }

    /// The configuration of what is looked at below the transports: the file's own way over TCP.
    fn base(&self, ways: &[Way]) -> ClientConfig {
        let over_tcp = |way: &&Way| !way.is_udp() && way.rank != Rank::Guess;
        let mut tcp = ways.iter().filter(over_tcp);
        let wanted = tcp.clone().find(|way| way.rank == Rank::Wanted);
        wanted.or_else(|| tcp.next()).map_or_else(
            || self.file.clone(),
            |way| way.config(self.file, self.limit),
        )
    }

    /// What is said at login, or why there is nothing to say; servers answer that, too.
    async fn ask(&self, base: &ClientConfig) -> (Login, Option<Cause>) {
        let who = Who {
            config: base,
            auth: self.auth,
        };
        match tokio::time::timeout(self.limit, who.ask("")).await {
            Ok(Ok(ask)) => (ask, None),
            Ok(Err(err)) => (Login::default(), Some(Cause::NoProof(err.to_string()))),
            Err(_elapsed) => {
                let why = "nothing in time".to_owned();
                (Login::default(), Some(Cause::NoProof(why)))
            }
        }
    }

    async fn ground(&self, base: &ClientConfig) -> Seen {
        let name = format!("name {}", base.server_addr);
        let line = self.progress.begin(&name);
        let lookup = ground::lookup(base, self.limit).await;
        self.progress
            .end(line, lookup.as_ref().map(|(_, took)| *took));
        let first = lookup
            .as_ref()
            .ok()
            .and_then(|(all, _)| all.first().copied());
        let udp = async {
            match first {
                Some(to) => ground::udp(to).await,
                None => Udp::Silent,
            }
        };
        let line = self.progress.begin("bare connection and certificate");
        let knock = ground::knock(base, self.transports, self.scope);
        let (udp, (connect, handshake)) = tokio::join!(udp, knock);
        self.progress.end(line, connect.as_ref().copied());
        let tls = self.file.transport.tls.enabled.as_ref();
        Seen {
            host: base.server_addr.clone(),
            port: base.server_port,
            verified: tls.is_some_and(|on| on.trusted_ca.is_some()),
            now: now(),
            lookup: lookup.map(|(all, took)| (all.iter().map(|at| at.ip()).collect(), took)),
            connect,
            handshake,
            greeting: None,
            date: None,
            small_passes: None,
            udp,
            trials: Vec::new(),
        }
    }

    /// Tries all of `ways` at once.
    async fn trials(&self, common: Common<'_>, ways: Vec<Way>) -> Vec<Trial> {
        let attempts = ways.into_iter().map(|way| async move {
            let line = self.progress.begin(&way.to_string());
            let trial = common.attempt(way).await;
            let took = trial.outcome.as_ref().map(|passed| passed.logged_in);
            self.progress.end(line, took);
            trial
        });
        join_all(attempts).await
    }

    /// Asks the port who it is where that is not clear.
    async fn ask_again(&self, base: &ClientConfig, seen: &mut Seen) {
        let over_tcp = |trial: &&Trial| !trial.way.is_udp() && trial.way.rank != Rank::Guess;
        let failed: Vec<_> = {
            let failed = seen.trials.iter().filter(over_tcp);
            failed
                .filter_map(|trial| trial.outcome.as_ref().err())
                .cloned()
                .collect()
        };
        let any = |those: fn(&Cause) -> bool| failed.iter().any(those);
        if any(is_unclear) {
            let line = self.progress.begin("who answers there");
            seen.greeting = ground::greeting(base, self.transports, self.scope).await;
            self.progress.end(line, Ok(Duration::ZERO));
            seen.date = date(seen.greeting.as_ref());
        }
        if any(|cause| *cause == Cause::Stalled) && base.transport.proxy_url.is_none() {
            let line = self.progress.begin("small packets");
            if let Ok(found) = ground::lookup(base, self.limit).await
                && let Some(to) = found.0.first()
            {
                seen.small_passes = Some(ground::small_passes(base, *to).await);
            }
            self.progress.end(line, Ok(Duration::ZERO));
        }
        if any(|cause| matches!(cause, Cause::Expired | Cause::NotYetValid | Cause::Clock(_))) {
            let mut web = base.clone();
            web.server_port = HTTP;
            let page = ground::greeting(&web, self.transports, self.scope).await;
            seen.date = seen.date.or_else(|| date(page.as_ref()));
        }
    }
}

/// Whether another program may be the reason.
const fn is_unclear(cause: &Cause) -> bool {
    matches!(
        cause,
        Cause::WrongProgram(_)
            | Cause::Portal(_)
            | Cause::NoWebsocket(_)
            | Cause::Closed
            | Cause::Stalled
            | Cause::Alert
    )
}

/// The ways over tcp with something set otherwise, where that may be what the server wants.
fn changed(trials: &[Trial]) -> Vec<Way> {
    let main =
        |trial: &&Trial| trial.way.protocol == Protocol::Tcp && trial.way.rank != Rank::Guess;
    let others = |trial: &Trial| -> Vec<Way> {
        let changes: &[Change] = match &trial.outcome {
            Err(Cause::Closed | Cause::Reset | Cause::Stalled) => &[Change::Tls, Change::Mux],
            Err(Cause::ServerOld) => &[Change::Wire],
            _ => &[],
        };
        let changed = |change: &Change| trial.way.changed(*change);
        changes.iter().map(changed).collect()
    };
    trials.iter().filter(main).flat_map(others).collect()
}

fn date(greeting: Option<&Greeting>) -> Option<i64> {
    match greeting {
        Some(Greeting::Http(page)) => page.date,
        _ => None,
    }
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}
