//! The command line of frps in builds without `flags`: a file, or nothing but defaults.

use std::path::PathBuf;

use culvert_conf::{ConfigError, Loaded, Reading, ServerConfig};
use culvert_program::{CommandLine, Given, Options, Verify};

pub(crate) struct Cli {
    pub(crate) config: Option<PathBuf>,
    pub(crate) options: Options,
    pub(crate) command: Option<Command>,
}

impl Cli {
    /// The configuration without a file.
    pub(crate) fn without_file(
        &self,
        reading: Reading<'_>,
    ) -> Result<Loaded<ServerConfig>, ConfigError> {
        culvert_conf::check_server(toml::Table::new(), reading)
    }
}

impl From<Given> for Cli {
    fn from(given: Given) -> Self {
        Self {
            config: given.config,
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
