//! The words of the command line, and answering on the terminal.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

/// The arguments of the process with `_` and `-` made equal in the names of long flags, as
/// upstream has them (config 3).
pub(crate) fn arguments() -> Vec<String> {
    std::env::args_os()
        .map(|a| normalise(&a.to_string_lossy()))
        .collect()
}

fn normalise(argument: &str) -> String {
    let Some(flag) = argument.strip_prefix("--") else {
        return argument.to_owned();
    };
    match flag.split_once('=') {
        Some((name, value)) => format!("--{}={value}", name.replace('_', "-")),
        None => format!("--{}", flag.replace('_', "-")),
    }
}

/// Writes a line to standard output; when nobody reads it any more, nothing is left to do.
pub fn say(text: &str) {
    let _gone = writeln!(io::stdout().lock(), "{text}");
}

/// Writes to standard error, which is where a command line is complained about.
pub(crate) fn complain(text: &str) {
    let _gone = io::stderr().lock().write_all(text.as_bytes());
}

/// A failure that ends the program, already in words for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(pub String);

impl Failure {
    /// Says what went wrong on standard output, where upstream says it, and answers exit code 1.
    #[must_use]
    pub fn end(&self) -> ExitCode {
        say(&self.0);
        ExitCode::FAILURE
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(err: E) -> Self {
        let mut text = err.to_string();
        let mut source = err.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            // Some errors say their cause themselves, in Go's words: lower case, no number.
            let said = cause_text.split(" (os error").next().unwrap_or_default();
            if !text.to_lowercase().contains(&said.to_lowercase()) {
                text = format!("{text}: {cause_text}");
            }
            source = cause.source();
        }
        Self(text)
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, normalise};

    #[derive(Debug, thiserror::Error)]
    #[error("dial: refused")]
    struct Says(#[source] std::fmt::Error);

    #[derive(Debug, thiserror::Error)]
    #[error("login failed: {0}")]
    struct Repeats(#[source] Says);

    #[test]
    fn a_cause_is_told_once() {
        let failure = Failure::from(Repeats(Says(std::fmt::Error)));
        let format_error = std::fmt::Error.to_string();
        assert_eq!(
            failure.0,
            format!("login failed: dial: refused: {format_error}")
        );
    }

    #[test]
    fn underscores_become_dashes_in_flag_names_only() {
        assert_eq!(normalise("--strict_config=a_b"), "--strict-config=a_b");
        assert_eq!(normalise("--bind_port"), "--bind-port");
        assert_eq!(normalise("my_file.toml"), "my_file.toml");
        assert_eq!(normalise("-c"), "-c");
    }
}
