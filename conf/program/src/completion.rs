//! `completion`: a script that lets a shell complete the words of a command line.

use std::io::{self, Write as _};

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use crate::help;

/// The words of `completion`.
#[derive(Debug, Clone, Args)]
pub struct Completion {
    /// bash, zsh, fish or powershell.
    #[arg(value_name = "SHELL")]
    shell: Vec<String>,

    /// Taken and not used: how much a shell shows is its own choice.
    #[arg(long, hide = true)]
    _no_descriptions: bool,
}

impl Completion {
    /// Prints the script for the program of `command`, or the help where no such shell is named.
    ///
    /// # Errors
    /// Nobody reads what is printed.
    pub fn run(&self, mut command: Command) -> io::Result<()> {
        let shell = match self.shell.first().map(String::as_str) {
            Some("bash") => Shell::Bash,
            Some("zsh") => Shell::Zsh,
            Some("fish") => Shell::Fish,
            Some("powershell") => Shell::PowerShell,
            _ => return help(command, &["completion"]),
        };
        let name = command.get_name().to_owned();
        let mut script = Vec::new();
        generate(shell, &mut command, name, &mut script);
        io::stdout().lock().write_all(&script)
    }
}
