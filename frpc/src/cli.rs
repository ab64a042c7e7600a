//! The command line of frpc, with upstream's names (config 3).

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand};

/// The client of a tunnel: it publishes local services through a server that can be reached.
#[derive(Debug, Parser)]
#[command(
    name = "frpc",
    disable_version_flag = true,
    after_help = "Examples:\n  frpc -c frpc.toml          run with a configuration file\n  \
                  frpc verify -c frpc.toml   check the file and exit\n\n\
                  The smallest useful file:\n  serverAddr = \"server.example\"\n  \
                  auth.token = \"...\"\n  [[proxies]]\n  name = \"ssh\"\n  type = \"tcp\"\n  \
                  localPort = 22\n  remotePort = 6000\n\nSee conf/frpc.toml and \
                  conf/frpc_full_example.toml."
)]
pub(crate) struct Cli {
    /// The configuration file, in TOML.
    #[arg(
        short = 'c',
        long = "config",
        global = true,
        value_name = "FILE",
        default_value = "./frpc.ini"
    )]
    pub(crate) config: PathBuf,

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
