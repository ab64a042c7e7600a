//! The command line of frpc in builds without `flags`: a file or a folder of them.

use std::path::PathBuf;

use culvert_program::{CommandLine, Given, Options, Verify};

pub(crate) struct Cli {
    pub(crate) config: PathBuf,
    pub(crate) config_dir: Option<PathBuf>,
    pub(crate) options: Options,
    pub(crate) command: Option<Command>,
}

impl From<Given> for Cli {
    fn from(given: Given) -> Self {
        Self {
            // upstream: cmd/frpc/sub/root.go.
            config: given.config.unwrap_or_else(|| "./frpc.ini".into()),
            config_dir: given.config_dir,
            options: given.options,
            command: given.verify.map(Command::Verify),
        }
    }
}

impl CommandLine for Cli {
    fn options(&self) -> &Options {
        &self.options
    }
}

pub(crate) enum Command {
    Verify(Verify),
}
