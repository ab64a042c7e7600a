//! The findings as people read them.

use std::{
    fmt::Write as _,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use culvert_transports::Certificate;

use super::{
    advice::Advice,
    diagnosis::{Diagnosis, Finding, Verdict},
    progress::millis,
    seen::Seen,
};

/// How much room the names of ways get at least.
const NARROW: usize = 16;

/// What there is to say of one server.
pub(super) fn table(
    seen: &Seen,
    diagnosis: &Diagnosis,
    advice: Option<&Advice>,
    color: bool,
) -> String {
    let mut text = String::new();
    ground(&mut text, seen);
    text.push('\n');
    ways(&mut text, diagnosis, color);
    for cause in &diagnosis.causes {
        let _infallible = write!(text, "\n{}: {cause}\n  {}\n", cause.name(), cause.remedy());
    }
    match advice {
        Some(Advice::Keep) => text.push_str("\nThe configuration works as it is.\n"),
        Some(Advice::Write(lines)) => {
            let _infallible = write!(text, "\nThe configuration that fits:\n\n{lines}");
        }
        None => text.push_str(match diagnosis.is_reached() {
            true => "\nThe server answers, and does not let us in.\n",
            false => "\nNothing passes from here to the server.\n",
        }),
    }
    text
}

fn ground(text: &mut String, seen: &Seen) {
    let mut line = |name: &str, value: String| {
        let _infallible = writeln!(text, "{name:<12} {value}");
    };
    line("server", format!("{} port {}", seen.host, seen.port));
    line(
        "name",
        match &seen.lookup {
            Ok((all, took)) => {
                let all: Vec<_> = all.iter().map(ToString::to_string).collect();
                format!("{} ({})", all.join(", "), millis(*took))
            }
            Err(cause) => cause.to_string(),
        },
    );
    line(
        "connection",
        match &seen.connect {
            Ok(took) => millis(*took),
            Err(cause) => cause.to_string(),
        },
    );
    let handshake = seen.handshake.as_ref();
    if let Some(shown) = handshake.and_then(|handshake| handshake.certificate.as_ref()) {
        line("certificate", certificate(shown, seen.verified));
    }
    if let Some(date) = seen.date {
        line(
            "clock",
            format!("{} seconds from theirs", seen.now.saturating_sub(date)),
        );
    }
}

fn certificate(shown: &Certificate, verified: bool) -> String {
    let names = match shown.names.is_empty() {
        true => shown.subject.clone(),
        false => shown.names.join(", "),
    };
    let issuer = match shown.self_signed {
        true => "itself".to_owned(),
        false => shown.issuer.clone(),
    };
    let not = if verified { "" } else { ", not verified" };
    format!(
        "{names}, signed by {issuer}, until {}{not}",
        day(shown.not_after)
    )
}

/// A time in the words of HTTP, which name no time zone but GMT.
pub(super) fn day(seconds: i64) -> String {
    let since = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
    // Later years have no words there (RFC 9110, section 5.6.7).
    let last = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    let at = UNIX_EPOCH.checked_add(since).unwrap_or(last);
    httpdate::fmt_http_date(SystemTime::min(at, last))
}

fn ways(text: &mut String, diagnosis: &Diagnosis, color: bool) {
    let told: Vec<_> = diagnosis
        .findings
        .iter()
        .filter(|finding| finding.is_worth_a_line())
        .collect();
    let lengths = told.iter().map(|finding| finding.way.to_string().len());
    let width = lengths.max().unwrap_or_default().max(NARROW);
    let _infallible = writeln!(
        text,
        "{:<width$}  {:<8} {:>9} {:>9} {:>9} {:>5}  why not",
        "way", "result", "connected", "logged in", "echo", "mtu"
    );
    for finding in told {
        row(text, finding, width, color);
    }
}

fn row(text: &mut String, finding: &Finding, width: usize, color: bool) {
    let (word, tint) = match finding.verdict {
        Verdict::Passes(_) => ("passes", "32"),
        Verdict::Limps(..) => ("slow", "33"),
        Verdict::Refused(_) => ("refused", "33"),
        Verdict::Fails(_) => ("fails", "31"),
    };
    let word = format!("{word:<8}");
    let word = match color {
        true => format!("\x1b[{tint}m{word}\x1b[0m"),
        false => word,
    };
    let passed = finding.verdict.passed();
    let time = |time: Option<Duration>| time.map(millis).unwrap_or_default();
    let mtu = passed.and_then(|passed| passed.mtu);
    let line = format!(
        "{:<width$}  {word} {:>9} {:>9} {:>9} {:>5}  {}",
        finding.way.to_string(),
        time(passed.map(|passed| passed.connected)),
        time(passed.map(|passed| passed.logged_in)),
        time(passed.and_then(|passed| passed.round_trip)),
        mtu.map(|mtu| mtu.to_string()).unwrap_or_default(),
        finding.verdict.cause().map_or("", |cause| cause.name()),
    );
    let _infallible = writeln!(text, "{}", line.trim_end());
}
