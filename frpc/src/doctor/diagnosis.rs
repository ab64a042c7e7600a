//! From what was seen to causes: which ways pass, and why the others do not. No I/O.

use std::time::Duration;

use culvert_conf::Protocol;

use super::{
    greeting::{Greeting, Page},
    seen::{Bulk, Handshake, Passed, Seen, Trial, Udp},
    way::{Rank, Way},
};
use crate::{Cause, Skew};

/// What there is to say of one server.
#[derive(Clone, Debug)]
pub(super) struct Diagnosis {
    /// One for each way that was tried, in that order.
    pub(super) findings: Vec<Finding>,
    /// Every cause once, the one to look at first in front.
    pub(super) causes: Vec<Cause>,
    /// The way that fits best, by its place in `findings`.
    pub(super) best: Option<usize>,
}

/// What became of one way.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) way: Way,
    pub(super) verdict: Verdict,
    /// Until that was known.
    pub(super) took: Duration,
}

/// Whether a way can be used.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    Passes(Passed),
    /// It works, and that is all there is to say for it; why.
    Limps(Passed, Cause),
    /// The server answers and refuses the login.
    Refused(Cause),
    Fails(Cause),
}

/// What is slower than this, beyond what the distance explains, is slowed by somebody: a login
/// moves about 4 KiB, and no link that carries a tunnel takes so long for that.
const CRAWL: Duration = Duration::from_millis(1500);
/// How many round trips a handshake with a login takes at most.
const TRIPS: u32 = 8;
/// Clocks that differ by less than this harm nobody.
const CLOSE: i64 = 300;

/// Those who open TLS for their networks, by a word in the name of their authority. They are named
/// even where nobody verifies the server.
const INTERCEPTORS: [&str; 14] = [
    "fortinet",
    "fortigate",
    "zscaler",
    "palo alto",
    "blue coat",
    "bluecoat",
    "sophos",
    "kaspersky",
    "netskope",
    "umbrella",
    "mitmproxy",
    "squid",
    "barracuda",
    "checkpoint",
];

impl Verdict {
    /// Whether a tunnel works this way.
    pub(super) const fn is_good(&self) -> bool {
        matches!(self, Self::Passes(_) | Self::Limps(..))
    }

    /// What is wrong, if anything is.
    pub(super) const fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Passes(_) => None,
            Self::Limps(_, cause) | Self::Refused(cause) | Self::Fails(cause) => Some(cause),
        }
    }

    /// What was measured, if it works.
    pub(super) const fn passed(&self) -> Option<&Passed> {
        match self {
            Self::Passes(passed) | Self::Limps(passed, _) => Some(passed),
            Self::Refused(_) | Self::Fails(_) => None,
        }
    }
}

impl Diagnosis {
    /// Whether the server was heard, even if it let nobody in.
    pub(super) fn is_reached(&self) -> bool {
        let heard = |finding: &Finding| !matches!(finding.verdict, Verdict::Fails(_));
        self.findings.iter().any(heard)
    }
}

impl Finding {
    /// Whether people want to read of it: guesses only where they help.
    pub(super) fn is_worth_a_line(&self) -> bool {
        self.way.rank != Rank::Guess || self.verdict.is_good()
    }
}

/// Makes sense of what was seen.
pub(super) fn diagnose(seen: &Seen) -> Diagnosis {
    let judged = |trial: &Trial| Finding {
        way: trial.way.clone(),
        verdict: judge(seen, trial),
        took: trial.took,
    };
    let findings: Vec<_> = seen.trials.iter().map(judged).collect();
    Diagnosis {
        causes: causes(seen, &findings),
        best: best(&findings),
        findings,
    }
}

fn judge(seen: &Seen, trial: &Trial) -> Verdict {
    match &trial.outcome {
        Ok(passed) => judge_passed(seen, passed),
        Err(cause) => {
            let cause = refine(seen, &trial.way, cause);
            match cause {
                Cause::Token | Cause::LoginRefused(_) | Cause::NoProof(_) => {
                    Verdict::Refused(cause)
                }
                Cause::Clock(_) if matches!(trial.outcome, Err(Cause::Clock(_))) => {
                    Verdict::Refused(cause)
                }
                cause => Verdict::Fails(cause),
            }
        }
    }
}

/// A login alone is no tunnel: large packets must pass, too, and in a useful time.
fn judge_passed(seen: &Seen, passed: &Passed) -> Verdict {
    let passed = passed.clone();
    match passed.bulk {
        Bulk::Stalled(0) => return Verdict::Fails(Cause::BlackHole),
        Bulk::Stalled(_) => return Verdict::Limps(passed, Cause::Throttled),
        Bulk::Passed(_) | Bulk::Unknown => {}
    }
    let trip = [passed.round_trip, seen.connect.as_ref().ok().copied()];
    let trip = trip.into_iter().flatten().min().unwrap_or_default();
    let bulk = match passed.bulk {
        Bulk::Passed(took) => took,
        _ => Duration::ZERO,
    };
    let beyond = |took: Duration| took.saturating_sub(trip.saturating_mul(TRIPS));
    if beyond(bulk) > CRAWL || beyond(passed.logged_in) > CRAWL && beyond(bulk) > CRAWL / 4 {
        return Verdict::Limps(passed, Cause::Throttled);
    }
    Verdict::Passes(passed)
}

/// The cause of one failure in the light of everything else.
fn refine(seen: &Seen, way: &Way, cause: &Cause) -> Cause {
    match cause {
        Cause::UdpBlocked if seen.udp == Udp::Refused && way.port == seen.port => Cause::UdpRefused,
        // Where one datagram passes, others do.
        Cause::UdpBlocked if udp_passes(seen) => Cause::UdpRefused,
        Cause::NotYetValid | Cause::Expired => by_clock(seen, cause),
        Cause::Clock(_) => skew(seen).map_or_else(|| cause.clone(), Cause::Clock),
        Cause::Untrusted => intercepted(seen).unwrap_or(Cause::Untrusted),
        _ if way.is_udp() => cause.clone(),
        // As upstream's frps does.
        Cause::Closed if way.protocol == Protocol::Wss && tcp_passes(seen, way) => Cause::NoWss,
        Cause::Stalled => stalled(seen, way),
        Cause::WrongProgram(_)
        | Cause::Portal(_)
        | Cause::NoWebsocket(_)
        | Cause::Closed
        | Cause::Alert
            if way.port == seen.port =>
        {
            answers(seen).unwrap_or_else(|| cause.clone())
        }
        cause => cause.clone(),
    }
}

/// Whether an frps was heard over UDP.
fn udp_passes(seen: &Seen) -> bool {
    let mut udp = seen.trials.iter().filter(|trial| trial.way.is_udp());
    udp.any(is_heard)
}

/// Whether an frps answered, even if it let nobody in.
const fn is_heard(trial: &Trial) -> bool {
    matches!(
        trial.outcome,
        Ok(_) | Err(Cause::Token | Cause::LoginRefused(_))
    )
}

/// Whether an frps was heard over TCP on the same port.
fn tcp_passes(seen: &Seen, way: &Way) -> bool {
    let same = |trial: &&Trial| !trial.way.is_udp() && trial.way.port == way.port;
    seen.trials.iter().filter(same).any(is_heard)
}

/// Why a connection stands and nothing comes over it.
fn stalled(seen: &Seen, way: &Way) -> Cause {
    if way.port == seen.port
        && let Some(other) = answers(seen)
    {
        return other;
    }
    if seen.small_passes == Some(true) {
        return Cause::BlackHole;
    }
    if trickles(seen.handshake.as_ref()) {
        return Cause::Throttled;
    }
    match &way.proxy {
        Some(_) => Cause::ProxyBuffers,
        None => Cause::Stalled,
    }
}

/// Whether something came, only not enough in time.
fn trickles(handshake: Option<&Handshake>) -> bool {
    handshake.is_some_and(|seen| match &seen.outcome {
        Ok(took) => *took > CRAWL,
        Err(cause) => *cause == Cause::Stalled && seen.received > 0,
    })
}

/// Who answers on the port, if it is another program.
fn answers(seen: &Seen) -> Option<Cause> {
    match seen.greeting.as_ref()? {
        Greeting::Http(page) if page.is_portal(&seen.host) => {
            Some(Cause::Portal(page.location.clone()))
        }
        Greeting::Http(page) => Some(Cause::WrongProgram(web_server(page))),
        Greeting::Line(line) => Some(Cause::WrongProgram(format!("\"{line}\""))),
        Greeting::Bytes | Greeting::Closed | Greeting::Silent => None,
    }
}

fn web_server(page: &Page) -> String {
    let name = match page.server.as_str() {
        "" => String::new(),
        name => format!(" {name}"),
    };
    format!("a web server{name} (http status {})", page.status)
}

/// A certificate out of its time: is it old, or is it us?
fn by_clock(seen: &Seen, cause: &Cause) -> Cause {
    if let Some(skew) = skew(seen) {
        return Cause::Clock(skew);
    }
    let certificate = seen.handshake.as_ref().and_then(|h| h.certificate.as_ref());
    match (cause, certificate) {
        // Nobody makes certificates for the future.
        (Cause::NotYetValid, Some(made)) => {
            Cause::Clock(Skew(seen.now.saturating_sub(made.not_before)))
        }
        (cause, _) => cause.clone(),
    }
}

/// How far our clock is from that of a web server, if that is much.
fn skew(seen: &Seen) -> Option<Skew> {
    let skew = seen.now.saturating_sub(seen.date?);
    (skew.abs() > CLOSE).then_some(Skew(skew))
}

/// Who opens TLS on the way: somebody signed a certificate whom nobody has told us to trust. A
/// server's own certificate that is only not the one in the file is signed by itself.
fn intercepted(seen: &Seen) -> Option<Cause> {
    let shown = seen.handshake.as_ref()?.certificate.as_ref()?;
    let signed = seen.verified && !shown.self_signed;
    let issuer = shown.issuer.to_lowercase();
    let known = INTERCEPTORS.iter().any(|name| issuer.contains(name));
    (signed || known).then(|| Cause::Intercepted(shown.issuer.clone()))
}

/// Every cause once. Where nothing passes, what concerns all comes first; where something does,
/// what is in the way of the way that is wanted.
fn causes(seen: &Seen, findings: &[Finding]) -> Vec<Cause> {
    let told = findings.iter().filter(|finding| finding.is_worth_a_line());
    let mut found: Vec<(u8, Cause)> = Vec::new();
    let mut note = |weight: u8, cause: &Cause| {
        if !found.iter().any(|(_, known)| known == cause) {
            found.push((weight, cause.clone()));
        }
    };
    for finding in told {
        if let Some(cause) = finding.verdict.cause() {
            let wanted = u8::from(finding.way.rank != Rank::Wanted);
            note(
                weight(cause).saturating_mul(2).saturating_add(wanted),
                cause,
            );
        }
    }
    let good = findings.iter().any(|finding| finding.verdict.is_good());
    if good
        && !seen.verified
        && let Some(cause) = intercepted(seen)
    {
        note(0, &cause);
    }
    found.sort_by_cached_key(|(weight, _)| u64::from(*weight));
    found.into_iter().map(|(_, cause)| cause).collect()
}

/// How near to the root a cause is; smaller is nearer.
const fn weight(cause: &Cause) -> u8 {
    match cause {
        Cause::NoProof(_) | Cause::Clock(_) => 0,
        Cause::Portal(_) | Cause::Intercepted(_) | Cause::BlackHole | Cause::Throttled => 1,
        Cause::ProxyUnreachable
        | Cause::ProxyCredentials
        | Cause::ProxyRefuses(_)
        | Cause::ProxyForeign
        | Cause::ProxyBuffers => 2,
        Cause::Expired
        | Cause::NotYetValid
        | Cause::WrongName
        | Cause::Untrusted
        | Cause::BadCertificate => 3,
        Cause::NoName | Cause::NoRoute | Cause::Token | Cause::ServerOld => 4,
        Cause::LoginRefused(_) | Cause::WrongProgram(_) | Cause::Reset => 5,
        Cause::Refused | Cause::Dropped | Cause::NoWebsocket(_) | Cause::Alert => 6,
        Cause::Closed | Cause::Stalled | Cause::NoWss => 7,
        Cause::UdpBlocked | Cause::UdpRefused => 8,
        Cause::Other(_) => 9,
    }
}

/// The way to use: the wanted one if it is good, then what was sought on purpose, then what is
/// best for a tunnel.
fn best(findings: &[Finding]) -> Option<usize> {
    let good = findings
        .iter()
        .enumerate()
        .filter(|(_, finding)| finding.verdict.is_good());
    let order = |(place, finding): &(usize, &Finding)| {
        let limps = matches!(finding.verdict, Verdict::Limps(..));
        let rank = match finding.way.rank {
            Rank::Wanted => 0,
            Rank::Usual => 1,
            Rank::Guess => 2,
        };
        (limps, rank, *place)
    };
    good.min_by_key(order).map(|(place, _)| place)
}

#[cfg(test)]
mod tests;
