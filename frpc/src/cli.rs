//! The command line of frpc, with upstream's names (config 3).

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use culvert_program::{CommandLine, Options};

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
