//! What both programs do around their service: log lines, signals, command line, web server, exit
//! codes.

mod command;
mod door;
mod files;
mod format;
mod logging;
mod options;
mod signals;

pub use command::{CommandLine, Failure, run, say, verify};
pub use door::{Door, DoorError};
pub use files::raise_open_files;
pub use logging::{LogError, start};
pub use options::{Options, accept};
pub use signals::{stop_asked, stop_asked_or_never};
