use std::time::Duration;

use culvert_conf::Secret;
use culvert_transports::Certificate;

use super::*;
use crate::doctor::way::{Change, Proxy};

const MS: Duration = Duration::from_millis(1);

fn way(protocol: Protocol, rank: Rank) -> Way {
    Way {
        protocol,
        port: 7000,
        proxy: None,
        change: Change::Nothing,
        rank,
    }
}

fn failed(protocol: Protocol, cause: Cause) -> Trial {
    let rank = match protocol {
        Protocol::Tcp => Rank::Wanted,
        _ => Rank::Usual,
    };
    Trial {
        way: way(protocol, rank),
        outcome: Err(cause),
        took: MS,
    }
}

fn passed(protocol: Protocol, logged_in: Duration, bulk: Bulk) -> Trial {
    let mut trial = failed(protocol, Cause::Closed);
    trial.outcome = Ok(Passed {
        connected: MS,
        logged_in,
        round_trip: Some(MS),
        bulk,
        mtu: None,
    });
    trial
}

fn good(protocol: Protocol) -> Trial {
    passed(protocol, 3 * MS, Bulk::Passed(MS))
}

fn certificate(issuer: &str, self_signed: bool) -> Certificate {
    Certificate {
        subject: "frps.example".to_owned(),
        issuer: issuer.to_owned(),
        self_signed,
        not_before: 500_000,
        not_after: 2_000_000,
        names: vec!["frps.example".to_owned()],
    }
}

fn shaken(
    outcome: Result<Duration, Cause>,
    received: u64,
    issuer: &str,
    itself: bool,
) -> Handshake {
    Handshake {
        outcome,
        received,
        certificate: (!issuer.is_empty()).then(|| certificate(issuer, itself)),
    }
}

fn seen(trials: Vec<Trial>) -> Seen {
    Seen {
        host: "frps.example".to_owned(),
        port: 7000,
        verified: true,
        now: 1_000_000,
        lookup: Ok((Vec::new(), MS)),
        connect: Ok(MS),
        handshake: None,
        greeting: None,
        date: None,
        small_passes: None,
        udp: Udp::Silent,
        trials,
    }
}

/// The first cause of a server whose tcp fails with this, everything else as `change` has it.
fn first(cause: Cause, change: impl FnOnce(&mut Seen)) -> Cause {
    let mut seen = seen(vec![failed(Protocol::Tcp, cause)]);
    change(&mut seen);
    diagnose(&seen).causes.remove(0)
}

#[test]
fn blocked_udp_leaves_the_wanted_way_alone() {
    let blocked = failed(Protocol::Quic, Cause::UdpBlocked);
    let mut seen = seen(vec![good(Protocol::Tcp), blocked]);
    let found = diagnose(&seen);
    assert_eq!(
        (found.best, &*found.causes),
        (Some(0), &[Cause::UdpBlocked][..])
    );
    seen.udp = Udp::Refused;
    assert_eq!(diagnose(&seen).causes, [Cause::UdpRefused]);
}

#[test]
fn what_passes_beside_it_explains_a_failure() {
    let trials = vec![
        good(Protocol::Tcp),
        good(Protocol::Quic),
        failed(Protocol::Wss, Cause::Closed),
        failed(Protocol::Kcp, Cause::UdpBlocked),
    ];
    assert_eq!(
        diagnose(&seen(trials)).causes,
        [Cause::NoWss, Cause::UdpRefused]
    );
}

#[test]
fn a_page_tells_portals_from_web_servers() {
    let page = |status, location: &str| Page {
        status,
        location: location.to_owned(),
        server: "nginx".to_owned(),
        date: None,
    };
    let to = "http://login.hotel/";
    for cause in [
        Cause::WrongProgram(String::new()),
        Cause::Closed,
        Cause::Stalled,
    ] {
        let portal = Greeting::Http(page(302, to));
        let found = first(cause.clone(), |seen| seen.greeting = Some(portal));
        assert_eq!(found, Cause::Portal(to.to_owned()));
        let web = Greeting::Http(page(404, ""));
        let found = first(cause, |seen| seen.greeting = Some(web));
        let said = "a web server nginx (http status 404)".to_owned();
        assert_eq!(found, Cause::WrongProgram(said));
    }
    let ssh = Greeting::Line("SSH-2.0-x".to_owned());
    let found = first(Cause::WrongProgram(String::new()), |seen| {
        seen.greeting = Some(ssh)
    });
    assert_eq!(found, Cause::WrongProgram("\"SSH-2.0-x\"".to_owned()));
}

#[test]
fn a_certificate_of_somebody_else_is_interception() {
    let with = |issuer: &str, itself| {
        let shown = shaken(Err(Cause::Untrusted), 900, issuer, itself);
        first(Cause::Untrusted, |seen| seen.handshake = Some(shown))
    };
    assert_eq!(
        with("Office CA", false),
        Cause::Intercepted("Office CA".to_owned())
    );
    assert_eq!(with("frps.example", true), Cause::Untrusted);
    // Nobody verifies, but everybody knows who that is.
    let mut passes = seen(vec![good(Protocol::Tcp)]);
    passes.verified = false;
    passes.handshake = Some(shaken(Ok(MS), 900, "FortiGate CA", false));
    let found = diagnose(&passes);
    assert_eq!(
        found.causes,
        [Cause::Intercepted("FortiGate CA".to_owned())]
    );
    assert_eq!(found.best, Some(0));
}

#[test]
fn clocks_and_certificates_are_told_apart() {
    let shown = || Some(shaken(Err(Cause::NotYetValid), 900, "CA", false));
    let early = |seen: &mut Seen| {
        seen.handshake = shown();
        seen.now = 499_000;
    };
    assert_eq!(first(Cause::NotYetValid, early), Cause::Clock(Skew(-1000)));
    let expired = |seen: &mut Seen| seen.handshake = shown();
    assert_eq!(first(Cause::Expired, expired), Cause::Expired);
    let told = |seen: &mut Seen| seen.date = Some(seen.now - 7200);
    assert_eq!(first(Cause::Expired, told), Cause::Clock(Skew(7200)));
    let agrees = |seen: &mut Seen| seen.date = Some(seen.now + 2);
    assert_eq!(first(Cause::Expired, agrees), Cause::Expired);
}

#[test]
fn silence_has_several_reasons() {
    assert_eq!(first(Cause::Stalled, |_| {}), Cause::Stalled);
    let small = |seen: &mut Seen| seen.small_passes = Some(true);
    assert_eq!(first(Cause::Stalled, small), Cause::BlackHole);
    let slow = |seen: &mut Seen| {
        seen.handshake = Some(shaken(Err(Cause::Stalled), 40, "", false));
    };
    assert_eq!(first(Cause::Stalled, slow), Cause::Throttled);
    let proxied = |seen: &mut Seen| {
        seen.trials[0].way.proxy = Some(Proxy {
            url: Secret::new("http://proxy:8080"),
            source: "transport.proxyURL",
        });
    };
    assert_eq!(first(Cause::Stalled, proxied), Cause::ProxyBuffers);
}

#[test]
fn a_login_that_lets_no_large_packet_follow_is_no_tunnel() {
    let hole = passed(Protocol::Tcp, 3 * MS, Bulk::Stalled(0));
    let found = diagnose(&seen(vec![hole, good(Protocol::Quic)]));
    assert_eq!(
        (found.best, &*found.causes),
        (Some(1), &[Cause::BlackHole][..])
    );
    assert!(matches!(found.findings[0].verdict, Verdict::Fails(_)));
}

#[test]
fn a_crawl_passes_as_the_last_resort() {
    let slow = [
        passed(Protocol::Tcp, 4000 * MS, Bulk::Passed(3000 * MS)),
        passed(Protocol::Tcp, 3 * MS, Bulk::Stalled(7)),
    ];
    for crawl in slow {
        let found = diagnose(&seen(vec![crawl.clone(), good(Protocol::Quic)]));
        assert_eq!(
            (found.best, &*found.causes),
            (Some(1), &[Cause::Throttled][..])
        );
        let found = diagnose(&seen(vec![crawl]));
        assert_eq!(found.best, Some(0));
    }
    // Far away is not slow.
    let mut far = passed(Protocol::Tcp, 2400 * MS, Bulk::Passed(600 * MS));
    if let Ok(passed) = &mut far.outcome {
        passed.round_trip = Some(600 * MS);
    }
    let mut seen = seen(vec![far]);
    seen.connect = Ok(600 * MS);
    assert!(diagnose(&seen).causes.is_empty());
}

#[test]
fn a_refused_login_says_that_the_server_is_there() {
    let trials = vec![
        failed(Protocol::Tcp, Cause::Token),
        failed(Protocol::Quic, Cause::UdpBlocked),
    ];
    let found = diagnose(&seen(trials));
    assert_eq!(found.causes, [Cause::Token, Cause::UdpBlocked]);
    assert!(matches!(found.findings[0].verdict, Verdict::Refused(_)));
    assert_eq!(found.best, None);
}

#[test]
fn guesses_are_told_only_where_they_help() {
    let mut guess = failed(Protocol::Wss, Cause::Refused);
    guess.way.rank = Rank::Guess;
    let mut trials = vec![failed(Protocol::Tcp, Cause::Dropped), guess];
    assert_eq!(diagnose(&seen(trials.clone())).causes, [Cause::Dropped]);
    trials[1].outcome = good(Protocol::Wss).outcome;
    assert_eq!(diagnose(&seen(trials)).best, Some(1));
}
