//! The command line of frps, with upstream's names (config 3).

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand};

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

    /// Print the release of frp that this program stands in for, and exit.
    #[arg(short = 'v', long = "version")]
    pub(crate) version: bool,

    /// Refuse keys that are not known.
    #[arg(
        long = "strict-config", global = true, value_name = "BOOL", default_value_t = true,
        num_args = 0..=1, default_missing_value = "true", require_equals = true,
        action = ArgAction::Set
    )]
    pub(crate) strict: bool,

    /// Allow a feature that can do harm when others write the file: TransportExec, which runs
    /// transport programs. Several are separated by commas.
    #[arg(
        long = "allow-unsafe",
        global = true,
        value_name = "FEATURES",
        value_delimiter = ','
    )]
    pub(crate) allow_unsafe: Vec<String>,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What to do instead of running.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Command {
    /// Check that the configuration file is right.
    Verify,
}
