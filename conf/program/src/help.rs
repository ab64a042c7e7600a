//! The help of a sub-command that was not told what to do.

use std::io;

use clap::Command;

/// Prints the help of the sub-command at `path`.
///
/// # Errors
/// Nobody reads what is printed.
pub fn help(mut command: Command, path: &[&str]) -> io::Result<()> {
    command.build();
    let mut at = &mut command;
    for name in path {
        at = match at.find_subcommand_mut(name) {
            Some(inner) => inner,
            None => return Ok(()),
        };
    }
    at.print_help()
}
