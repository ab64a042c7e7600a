//! From the command line to what the program does, as clap reads it.

use std::process::{ExitCode, Termination};

use culvert_io::FastPaths;

use crate::{Failure, Options, command::arguments, say, usage};

/// The command line of one of the programs.
pub trait CommandLine: clap::Parser {
    /// What both programs have.
    fn options(&self) -> &Options;

    /// The exit code for these arguments where they cannot be understood; upstream's is 1.
    fn misunderstood(_arguments: &[String]) -> u8 {
        1
    }
}

/// Runs a program from the arguments of the process to its exit code: prints `release` when that
/// is asked for, else does what the command line asks for, which is `act`'s business, as is what
/// a program that has done it ends with.
#[must_use]
pub fn run<C: CommandLine, T: Termination>(
    release: &str,
    act: impl FnOnce(&C) -> Result<T, Failure>,
) -> ExitCode {
    let mut command = C::command().args_override_self(true);
    let arguments = arguments();
    let parsed = command.try_get_matches_from_mut(&arguments);
    let read = parsed.and_then(|given| Ok((C::from_arg_matches(&given)?, given)));
    let (cli, given) = match read {
        Ok(read) => read,
        Err(err) => {
            let wrong = ExitCode::from(C::misunderstood(&arguments));
            return usage::answer(&command, &err, wrong);
        }
    };
    // Sub-commands take the flag and do not look at it, as upstream's.
    if cli.options().version && given.subcommand().is_none() {
        say(release);
        return ExitCode::SUCCESS;
    }
    let done = FastPaths::of_the_process()
        .map_err(Failure::from)
        .and_then(|_| act(&cli));
    crate::logging::flush();
    done.map_or_else(|failure| failure.end(), Termination::report)
}
