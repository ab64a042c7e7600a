//! The command line of frpc, with upstream's names (config 3).

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use culvert_program::{CommandLine, Options, Verify, path};
#[cfg(feature = "tools")]
use culvert_program::{Completion, Init};

#[cfg(feature = "tools")]
use crate::doctor::{Doctor, WRONG};
#[cfg(feature = "xtcp")]
use crate::nathole::Nathole;
use crate::single::Single;

/// The client of a tunnel: it publishes local services through a server that can be reached.
#[derive(Debug, Parser)]
#[command(
    name = "frpc",
    disable_version_flag = true,
    after_help = "Examples:\n  frpc -c frpc.toml          run with a configuration file\n  \
                  frpc tcp -n ssh -l 22 -r 6000 -s server.example -t SECRET\n                             \
                  run one proxy without a file\n  \
                  frpc verify -c frpc.toml   check the file and exit\n  \
                  frpc doctor -c frpc.toml   find out what is in the way of the server\n  \
                  frpc init                  write first files for frps and frpc\n\n\
                  The smallest useful file:\n  serverAddr = \"server.example\"\n  \
                  auth.token = \"...\"\n  [[proxies]]\n  name = \"ssh\"\n  type = \"tcp\"\n  \
                  localPort = 22\n  remotePort = 6000\n\nSee conf/frpc.toml and \
                  conf/frpc_full_example.toml.\n\
                  CULVERT_FAST_PATHS in the environment leaves out, or forces, ways that are there only for\n\
                  speed: docs/TROUBLESHOOT.md."
)]
pub(crate) struct Cli {
    /// The configuration file: TOML, YAML, JSON or legacy INI.
    #[arg(
        short = 'c',
        long = "config",
        global = true,
        value_name = "FILE",
        value_parser = path(),
        default_value = "./frpc.ini"
    )]
    pub(crate) config: PathBuf,

    /// Run a client for every file in this folder and the folders in it.
    #[arg(long = "config-dir", global = true, value_name = "FOLDER")]
    pub(crate) config_dir: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) options: Options,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

impl CommandLine for Cli {
    fn options(&self) -> &Options {
        &self.options
    }

    #[cfg(feature = "tools")]
    /// `doctor` keeps 1 for a server that cannot be reached.
    fn misunderstood(arguments: &[String]) -> u8 {
        let is_doctor = arguments.iter().any(|word| word == "doctor");
        if is_doctor { WRONG } else { 1 }
    }
}

/// What to do instead of running with a file.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Single(Single),
    #[cfg(feature = "tools")]
    /// Try every transport to the server, name what is in the way, and print what fits.
    Doctor(Doctor),
    #[cfg(feature = "xtcp")]
    /// Find out what kind of NAT is in the way of xtcp.
    Nathole(Nathole),
    /// Check that the configuration file is right.
    Verify(Verify),
    #[cfg(feature = "dashboard")]
    /// Let a running frpc read its proxies and visitors again.
    Reload(Ask),
    #[cfg(feature = "dashboard")]
    /// Show the proxies of a running frpc.
    Status(Ask),
    #[cfg(feature = "dashboard")]
    /// End a running frpc.
    Stop(Ask),
    #[cfg(feature = "tools")]
    /// Write a first pair of files for a server and its client.
    Init(Init),
    #[cfg(feature = "tools")]
    /// Print a script that completes command lines in a shell.
    Completion(Completion),
}

/// The flags of what is asked of a running frpc, through the webServer of its file.
#[cfg(feature = "dashboard")]
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Ask {
    /// How long the answer may take, such as 30s or 1m.
    #[arg(
        long = "api-timeout",
        value_name = "TIME",
        default_value = "30s",
        value_parser = culvert_program::duration
    )]
    pub(crate) timeout: std::time::Duration,

    #[arg(hide = true)]
    _unused: Vec<String>,
}
