//! The command line of frps, with upstream's names (config 3).

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use culvert_program::{CommandLine, Options};

/// The server of a tunnel: it publishes services of clients that cannot be reached from outside.
#[derive(Debug, Parser)]
#[command(
    name = "frps",
    disable_version_flag = true,
    after_help = "Examples:\n  frps -c frps.toml          run with a configuration file\n  \
                  frps verify -c frps.toml   check the file and exit\n\n\
                  A file with nothing but `auth.token = \"...\"` is enough to begin with: frps then\n\
                  waits for clients on port 7000. See conf/frps.toml and conf/frps_full_example.toml."
)]
pub(crate) struct Cli {
    /// The configuration file, in TOML.
    #[arg(short = 'c', long = "config", global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) options: Options,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

impl CommandLine for Cli {
    fn options(&self) -> &Options {
        &self.options
    }
}

/// What to do instead of running.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Command {
    /// Check that the configuration file is right.
    Verify,
}
