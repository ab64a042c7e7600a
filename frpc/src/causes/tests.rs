use std::{io, time::Duration};

use culvert_conf::Protocol;
use culvert_transport::TransportError;

use super::{Cause, Skew};
use crate::LoginError;

fn unreachable(kind: io::ErrorKind) -> TransportError {
    TransportError::Unreachable {
        what: "dial tcp frps.example:7000".to_owned(),
        source: kind.into(),
    }
}

fn late(what: &str) -> TransportError {
    TransportError::Timeout {
        what: what.to_owned(),
        after: Duration::from_secs(1),
    }
}

#[test]
fn the_same_error_means_something_else_over_udp() {
    let refused = unreachable(io::ErrorKind::ConnectionRefused);
    assert_eq!(Cause::of_dial(&Protocol::Tcp, &refused), Cause::Refused);
    assert_eq!(Cause::of_dial(&Protocol::Kcp, &refused), Cause::UdpRefused);
    let silent = late("dial quic frps.example:7000: no answer");
    assert_eq!(Cause::of_dial(&Protocol::Quic, &silent), Cause::UdpBlocked);
    let silent = late("dial tcp frps.example:7000: no answer");
    assert_eq!(Cause::of_dial(&Protocol::Wss, &silent), Cause::Dropped);
}

#[test]
fn silence_before_and_after_the_connection_differ() {
    let silent = late("tls handshake with frps.example:7000");
    assert_eq!(Cause::of_dial(&Protocol::Tcp, &silent), Cause::Stalled);
    let silent = LoginError::Transport(late("waiting for login response"));
    assert_eq!(Cause::of_login(&Protocol::Kcp, &silent), Cause::UdpBlocked);
    assert_eq!(Cause::of_login(&Protocol::Tcp, &silent), Cause::Stalled);
}

#[test]
fn a_refusal_is_told_by_the_servers_words() {
    for (words, cause) in [
        (
            "token in login doesn't match token from configuration",
            Cause::Token,
        ),
        ("authorization failed", Cause::Token),
        (
            "invalid OIDC token in login: oidc: token is expired",
            Cause::Clock(Skew(0)),
        ),
        (
            "Please upgrade your frpc version to at least 0.10.0",
            Cause::ServerOld,
        ),
    ] {
        let refused = LoginError::Refused(words.to_owned());
        assert_eq!(Cause::of_login(&Protocol::Tcp, &refused), cause, "{words}");
    }
    let full = LoginError::Refused("no place left".to_owned());
    let cause = Cause::of_login(&Protocol::Tcp, &full);
    assert_eq!(
        cause.to_string(),
        "the server refuses the login: no place left"
    );
    let old = LoginError::NoV2("closed".to_owned());
    assert_eq!(Cause::of_login(&Protocol::Tcp, &old), Cause::ServerOld);
}

#[test]
fn skews_are_said_in_units_that_people_read() {
    for (seconds, said) in [
        (90, "90 seconds ahead"),
        (-600, "10 minutes behind"),
        (10 * 3600, "10 hours ahead"),
        (-400 * 86_400, "400 days behind"),
    ] {
        let text = Cause::Clock(Skew(seconds)).to_string();
        assert!(text.ends_with(said), "{text}");
    }
}

#[test]
fn every_cause_is_said_and_has_a_remedy_and_a_name_of_its_own() {
    let text = || "text".to_owned();
    let all = [
        Cause::NoName,
        Cause::NoRoute,
        Cause::Refused,
        Cause::Dropped,
        Cause::Reset,
        Cause::Closed,
        Cause::Stalled,
        Cause::Throttled,
        Cause::WrongProgram(String::new()),
        Cause::Portal(String::new()),
        Cause::Intercepted(text()),
        Cause::Expired,
        Cause::NotYetValid,
        Cause::WrongName,
        Cause::Untrusted,
        Cause::BadCertificate,
        Cause::Alert,
        Cause::UdpBlocked,
        Cause::UdpRefused,
        Cause::BlackHole,
        Cause::ProxyUnreachable,
        Cause::ProxyCredentials,
        Cause::ProxyRefuses(None),
        Cause::ProxyBuffers,
        Cause::ProxyForeign,
        Cause::NoWebsocket(404),
        Cause::NoWss,
        Cause::Token,
        Cause::Clock(Skew(0)),
        Cause::ServerOld,
        Cause::LoginRefused(text()),
        Cause::NoProof(text()),
        Cause::Other(text()),
    ];
    let mut names: Vec<_> = all.iter().map(Cause::name).collect();
    for cause in &all {
        let said = cause.to_string();
        assert!(!said.is_empty() && !cause.remedy().is_empty(), "{cause:?}");
        assert!(!said.ends_with('.') && !cause.remedy().ends_with('.'));
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all.len());
}
