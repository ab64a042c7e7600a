//! The command line of frps, with upstream's names (config 3).

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use culvert_conf::{Loaded, Reading, ServerConfig};
use culvert_program::{CommandLine, Failure, Options, Verify, path, refused};
#[cfg(feature = "tools")]
use culvert_program::{Completion, Init};

use crate::flags::{FLAGS, Keys};

/// The server of a tunnel: it publishes services of clients that cannot be reached from outside.
#[derive(Debug, Parser)]
#[command(
    name = "frps",
    disable_version_flag = true,
    after_help = "Examples:\n  frps -c frps.toml          run with a configuration file\n  \
                  frps -p 7000 -t SECRET     run without one\n  \
                  frps verify -c frps.toml   check the file and exit\n  \
                  frps init                  write first files for frps and frpc\n\n\
                  With -c, the flags that stand for keys of the file are not looked at.\n\
                  See conf/frps.toml and conf/frps_full_example.toml.\n\
                  CULVERT_FAST_PATHS in the environment leaves out, or forces, ways that are there only for\n\
                  speed: docs/TROUBLESHOOT.md."
)]
pub(crate) struct Cli {
    /// The configuration file: TOML, YAML, JSON or legacy INI.
    #[arg(short = 'c', long = "config", global = true, value_name = "FILE", value_parser = path())]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) options: Options,

    #[command(flatten)]
    pub(crate) keys: Keys,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

impl Cli {
    /// The configuration that the flags say, where there is no file.
    ///
    /// # Errors
    /// It is wrong, which is said of the flags.
    pub(crate) fn without_file(
        &self,
        reading: Reading<'_>,
    ) -> Result<Loaded<ServerConfig>, Failure> {
        culvert_conf::check_server(self.keys.0.clone(), reading)
            .map_err(|error| refused(error, &[("", &FLAGS)]))
    }
}

impl CommandLine for Cli {
    fn options(&self) -> &Options {
        &self.options
    }
}

/// What to do instead of running.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Command {
    /// Check that the configuration file is right.
    Verify(Verify),
    #[cfg(feature = "tools")]
    /// Write a first pair of files for a server and its client.
    Init(Init),
    #[cfg(feature = "tools")]
    /// Print a script that completes command lines in a shell.
    Completion(Completion),
}
