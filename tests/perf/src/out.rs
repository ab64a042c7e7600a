//! What the command says: results on standard output, progress on standard error.

use std::io::{self, Write as _};

/// Prints a result; when nobody reads it any more, nothing is left to do.
pub(crate) fn say(line: &str) {
    writeln!(io::stdout().lock(), "{line}").unwrap_or_default();
}

/// Tells what is going on.
pub(crate) fn progress(line: &str) {
    writeln!(io::stderr().lock(), "{line}").unwrap_or_default();
}
