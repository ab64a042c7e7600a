//! What the commands say; the one place that prints.

/// Tells the user something.
#[expect(clippy::print_stdout, reason = "a command speaks to its user")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// Tells the user what went wrong.
#[expect(clippy::print_stderr, reason = "a command speaks to its user")]
pub(crate) fn complain(line: &str) {
    eprintln!("error: {line}");
}
