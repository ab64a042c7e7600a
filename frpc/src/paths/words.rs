//! How the outcome of a race is told: in the log, in the status, and as an error.

use super::{Path, race::Outcome, way::Way};
use crate::{causes::Cause, session::LoginError};

/// What became of those that did not win, in parentheses; empty if there are none.
pub(super) fn others<T>(ways: &[Way], outcome: &Outcome<Path, T>) -> String {
    let failed = outcome.faults.iter().filter_map(|(index, err)| {
        let transport = &ways.get(*index)?.rung.transport;
        let cause = Cause::of_login(transport, err);
        Some(format!("{}: {cause}", transport.as_str()))
    });
    let open = outcome.open.iter().filter_map(|index| {
        let rung = &ways.get(*index)?.rung;
        let (name, mut losers) = (rung.transport.as_str(), outcome.losers.iter());
        Some(match losers.find(|path| path.rung == *rung) {
            Some(path) => format!("{name} {} ms", path.took.as_millis()),
            None => format!("{name}: no answer yet"),
        })
    });
    let all: Vec<_> = failed.chain(open).collect();
    match all.is_empty() {
        true => String::new(),
        false => format!(" ({})", all.join("; ")),
    }
}

/// One error for all: the server's own where it has answered, else every rung with its reason.
pub(super) fn no_way(ways: &[Way], faults: Vec<(usize, LoginError)>) -> LoginError {
    let mut reasons = Vec::new();
    for (index, err) in faults {
        if matches!(err, LoginError::Refused(_)) {
            return err;
        }
        if let Some(way) = ways.get(index) {
            let cause = Cause::of_login(&way.rung.transport, &err);
            reasons.push(format!("{}: {cause} ({err})", way.rung));
        }
    }
    LoginError::NoWay(reasons.join("; "))
}
