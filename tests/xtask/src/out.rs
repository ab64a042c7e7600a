//! What the commands say; the one place that prints.

use std::io::{self, Write as _};

/// Tells the user something; when nobody reads it any more, nothing is left to do.
pub(crate) fn say(line: &str) {
    writeln!(io::stdout().lock(), "{line}").unwrap_or_default();
}

/// Tells the user what went wrong.
pub(crate) fn complain(line: &str) {
    writeln!(io::stderr().lock(), "error: {line}").unwrap_or_default();
}
