//! Looking out, beside a session that works, for a better way and for signs that the one in use
//! goes bad. Probes carry nothing and log in nowhere.

use std::{fmt, time::Duration};

use culvert_io::Scope;
use culvert_transport::TransportError;
use tokio::time::{Instant, MissedTickBehavior};

use super::{
    Evidence, Ladder, Path,
    watch::{Health, LOOK, Watch},
};
use crate::session::LoginError;

/// How long a probe may take: handshakes whose packets are lost twice (RFC 9002 waits a second at
/// first, and twice as long each time).
const PROBE: Duration = Duration::from_secs(5);
/// How often a new link is asked whether its peer has answered.
const ASK: Duration = Duration::from_millis(50);
/// Another way must answer so many times as fast as one that has become slow.
const FASTER: u32 = 2;

/// Why a session should move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// A rung that is preferred works.
    Better,
    /// The peer has been silent for so long.
    Silent(Duration),
    /// Round trips or losses have grown, and another rung answers faster.
    Slow,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Better => f.write_str("preferred, and works"),
            Self::Silent(time) => write!(f, "silent for {} ms", time.as_millis()),
            Self::Slow => f.write_str("the one before became slow"),
        }
    }
}

/// That a session should move.
#[derive(Debug)]
pub(crate) struct Advice {
    /// Why.
    pub(crate) why: Why,
    /// A link that works; `None` where there is no time to look for one first.
    pub(crate) path: Option<Path>,
}

impl Ladder {
    /// Waits until a session that stands on `path` should move. Never, where the transport is fixed.
    ///
    /// *Cancel safety*: safe; probes are given up.
    pub(crate) async fn advice(&self, path: &Path, scope: &Scope) -> Advice {
        if self.auto.is_none() {
            return std::future::pending().await;
        }
        tokio::select! {
            path = self.better(scope) => Advice { why: Why::Better, path: Some(path) },
            advice = self.trouble(path, scope) => advice,
        }
    }

    /// Waits until a better rung than the one in use works; answers a link over it.
    async fn better(&self, scope: &Scope) -> Path {
        loop {
            let due = self.state.lock().standings.next_due(Instant::now());
            match due {
                Some(at) => tokio::time::sleep_until(at).await,
                None => return std::future::pending().await,
            }
            let due = self.state.lock().standings.due(Instant::now());
            for index in due {
                match self.probe(index, scope).await {
                    Ok(path) => return path,
                    Err(err) => self.failed(index, &LoginError::from(err)),
                }
            }
        }
    }

    /// Waits until `path` is dead, or slow while another is not.
    async fn trouble(&self, path: &Path, scope: &Scope) -> Advice {
        let mut watch = Watch::new(Instant::now());
        let mut look = ticks(LOOK);
        let mut patient = Instant::now();
        loop {
            look.tick().await;
            let now = Instant::now();
            let Some(traffic) = path.session.traffic() else {
                return std::future::pending().await;
            };
            let round_trip = path.session.round_trip();
            match watch.look(now, traffic, round_trip) {
                Health::Well => {}
                Health::Dead => {
                    let why = Why::Silent(watch.silence(now));
                    return Advice { why, path: None };
                }
                Health::Slow if now < patient => {}
                Health::Slow => {
                    if let Some(faster) = self.faster(path, scope).await {
                        self.report(&path.rung, Evidence::WentBad);
                        return Advice {
                            why: Why::Slow,
                            path: Some(faster),
                        };
                    }
                    let interval = self.auto.as_ref().map(|auto| auto.probe_interval);
                    patient = Instant::now() + interval.unwrap_or_default();
                }
            }
        }
    }

    /// A link over another rung that answers clearly faster than `slow`.
    async fn faster(&self, slow: &Path, scope: &Scope) -> Option<Path> {
        let order = self.state.lock().standings.order(Instant::now());
        let used = self.index(&slow.rung);
        for index in order.into_iter().filter(|index| Some(*index) != used) {
            let Ok(path) = self.probe(index, scope).await else {
                continue;
            };
            let trip = path.session.round_trip().unwrap_or(Duration::MAX);
            let (trip, slow) = (trip.saturating_mul(FASTER), slow.session.round_trip());
            if slow.is_some_and(|slow| trip < slow) {
                return Some(path);
            }
            path.close("not faster").await;
        }
        None
    }

    /// A link over this rung at whose other end something answers as an frps does: QUIC of frp, or
    /// its mux.
    pub(super) async fn probe(&self, index: usize, scope: &Scope) -> Result<Path, TransportError> {
        let late = |what: String| TransportError::Timeout { what, after: PROBE };
        let Some(way) = self.ways.get(index).filter(|way| way.shows) else {
            let text = "without transport.tcpMux only a login shows whether a server is there";
            return Err(TransportError::Refused(text.to_owned()));
        };
        let until = Instant::now() + PROBE;
        let dialled = tokio::time::timeout_at(until, self.dial(index, scope)).await;
        let path = dialled.map_err(|_elapsed| late(format!("dial {}", way.rung)))??;
        let mut ask = ticks(ASK);
        while path.session.round_trip().is_none() {
            if Instant::now() >= until {
                path.close("no answer").await;
                return Err(late(format!("answer of {}", way.rung)));
            }
            ask.tick().await;
        }
        Ok(path)
    }
}

fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
