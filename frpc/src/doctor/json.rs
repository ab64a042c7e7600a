//! The findings as scripts read them. Keys keep their meaning; more may come.

use std::time::Duration;

use serde::Serialize;

use super::{
    advice::Advice,
    diagnosis::{Diagnosis, Finding, Verdict},
    seen::Seen,
    table::day,
};
use crate::Cause;

/// Everything, on one line.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Whether a way passes, to one server at least.
    pub(super) ok: bool,
    pub(super) servers: Vec<Server>,
}

/// One server.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Server {
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    server: String,
    port: u16,
    addresses: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lookup_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connect_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    handshake_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<Shown>,
    /// How far our clock is ahead of that of a web server on the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_skew_seconds: Option<i64>,
    ways: Vec<Tried>,
    causes: Vec<Named>,
    /// Lines for frpc.toml; none where it is right, or nothing passes.
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    subject: String,
    issuer: String,
    names: Vec<String>,
    not_before: String,
    not_after: String,
    verified: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Tried {
    protocol: String,
    port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<String>,
    /// `passes`, `slow`, `refused` or `fails`.
    result: &'static str,
    /// Until that was known.
    took_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    connected_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logged_in_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    round_trip_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtu: Option<u16>,
    /// The name of a cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct Named {
    name: &'static str,
    text: String,
    remedy: &'static str,
}

impl Server {
    pub(super) fn new(
        name: &str,
        seen: &Seen,
        diagnosis: &Diagnosis,
        advice: Option<&Advice>,
    ) -> Self {
        let handshake = seen.handshake.as_ref();
        let shown = handshake.and_then(|handshake| handshake.certificate.as_ref());
        let lookup = seen.lookup.as_ref().ok();
        let addresses = lookup.map(|(all, _)| all.as_slice()).unwrap_or_default();
        Self {
            name: name.to_owned(),
            server: seen.host.clone(),
            port: seen.port,
            addresses: addresses.iter().map(ToString::to_string).collect(),
            lookup_ms: lookup.map(|(_, took)| ms(*took)),
            connect_ms: seen.connect.as_ref().ok().map(|took| ms(*took)),
            handshake_ms: handshake
                .and_then(|h| h.outcome.as_ref().ok())
                .map(|t| ms(*t)),
            certificate: shown.map(|shown| Shown {
                subject: shown.subject.clone(),
                issuer: shown.issuer.clone(),
                names: shown.names.clone(),
                not_before: day(shown.not_before),
                not_after: day(shown.not_after),
                verified: seen.verified,
            }),
            clock_skew_seconds: seen.date.map(|date| seen.now.saturating_sub(date)),
            ways: diagnosis.findings.iter().map(Tried::from).collect(),
            causes: diagnosis.causes.iter().map(Named::from).collect(),
            configuration: match advice {
                Some(Advice::Write(lines)) => Some(lines.clone()),
                Some(Advice::Keep) | None => None,
            },
        }
    }
}

impl From<&Finding> for Tried {
    fn from(finding: &Finding) -> Self {
        let passed = finding.verdict.passed();
        Self {
            protocol: finding.way.protocol.as_str().to_owned(),
            port: finding.way.port,
            proxy: finding.way.proxy.as_ref().map(ToString::to_string),
            result: match finding.verdict {
                Verdict::Passes(_) => "passes",
                Verdict::Limps(..) => "slow",
                Verdict::Refused(_) => "refused",
                Verdict::Fails(_) => "fails",
            },
            took_ms: ms(finding.took),
            connected_ms: passed.map(|passed| ms(passed.connected)),
            logged_in_ms: passed.map(|passed| ms(passed.logged_in)),
            round_trip_ms: passed.and_then(|passed| passed.round_trip).map(ms),
            mtu: passed.and_then(|passed| passed.mtu),
            cause: finding.verdict.cause().map(Cause::name),
        }
    }
}

impl From<&Cause> for Named {
    fn from(cause: &Cause) -> Self {
        Self {
            name: cause.name(),
            text: cause.to_string(),
            remedy: cause.remedy(),
        }
    }
}

/// Milliseconds with three places.
fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000_000.0).round() / 1000.0
}
