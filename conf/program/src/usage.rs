//! What is said of a command line that asks for help or cannot be understood, in upstream's words
//! (config 3; upstream: spf13/cobra, spf13/pflag).

use std::{fmt::Write as _, process::ExitCode};

use clap::{
    Command, Error,
    error::{ContextKind, ContextValue, ErrorKind},
};

/// Answers such a command line: help goes to standard output with success, the rest to standard
/// error with the exit code `wrong`.
pub(crate) fn answer(command: &Command, err: &Error, wrong: ExitCode) -> ExitCode {
    if !err.use_stderr() {
        // Nothing is left to do when the terminal itself is gone.
        let _gone = err.print();
        return ExitCode::SUCCESS;
    }
    let text = complaint(command, err);
    crate::command::complain(&text);
    wrong
}

/// What is wrong with a command line, in upstream's words; the first line says it.
#[must_use]
pub fn complaint(command: &Command, err: &Error) -> String {
    let name = command.get_name();
    let context = |kind| match err.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(all)) => Some(all.join("\n\t")),
        Some(ContextValue::StyledStr(text)) => Some(text.to_string()),
        _ => None,
    };
    let argument = context(ContextKind::InvalidArg).unwrap_or_default();
    let flag = argument.split_whitespace().next().unwrap_or_default();
    let (flag, _) = flag.split_once(['=', '[']).unwrap_or((flag, ""));
    let value = context(ContextKind::InvalidValue).unwrap_or_default();
    let mut text = match err.kind() {
        ErrorKind::InvalidSubcommand => {
            let word = context(ContextKind::InvalidSubcommand).unwrap_or_default();
            let mut text = format!("Error: unknown command {word:?} for {name:?}\n");
            if let Some(near) = context(ContextKind::SuggestedSubcommand) {
                let _infallible = writeln!(text, "\nDid you mean this?\n\t{near}\n");
            }
            text
        }
        ErrorKind::UnknownArgument if flag.starts_with("--") => {
            format!("Error: unknown flag: {flag}\n")
        }
        ErrorKind::UnknownArgument => {
            let letter = flag.trim_start_matches('-');
            format!("Error: unknown shorthand flag: '{letter}' in {flag}\n")
        }
        ErrorKind::InvalidValue if value.is_empty() => {
            format!(
                "Error: flag needs an argument: {}\n",
                spelled(command, flag)
            )
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let why = std::error::Error::source(err).map_or_else(
                || context(ContextKind::ValidValue).unwrap_or_default(),
                ToString::to_string,
            );
            let flag = spelled(command, flag);
            format!("Error: invalid argument {value:?} for {flag:?} flag: {why}\n")
        }
        _ => return err.to_string(),
    };
    if let Some(near) = context(ContextKind::SuggestedArg) {
        let _infallible = writeln!(text, "Did you mean {near}?");
    }
    let _infallible = writeln!(text, "Run '{name} --help' for usage.");
    text
}

/// A flag with its letter, as it stands in the help.
fn spelled(command: &Command, flag: &str) -> String {
    let long = flag.trim_start_matches('-');
    match letter(command, long) {
        Some(letter) => format!("-{letter}, {flag}"),
        None => flag.to_owned(),
    }
}

/// The letter of the first flag of this name, here or in a sub-command.
fn letter(command: &Command, long: &str) -> Option<char> {
    let mut flags = command.get_arguments();
    match flags.find(|arg| arg.get_long() == Some(long)) {
        Some(arg) => arg.get_short(),
        None => command
            .get_subcommands()
            .find_map(|inner| letter(inner, long)),
    }
}
