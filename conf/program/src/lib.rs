//! What both programs do around their service: log lines, signals, command line, exit codes.

mod command;
mod files;
mod format;
mod logging;
mod options;
mod signals;

pub use command::{CommandLine, Failure, run, say, verify};
pub use files::raise_open_files;
pub use logging::{LogError, start};
pub use options::{Options, accept};
pub use signals::{stop_asked, stop_asked_or_never};
