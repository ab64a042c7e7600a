//! What both programs do around their service: log lines, signals, command line, web server, exit
//! codes.

mod command;
mod door;
mod files;
mod format;
mod logging;
mod options;
mod origin;
mod signals;
mod source;
mod watch;

pub use command::{CommandLine, Failure, run, say, verify};
pub use door::{Door, DoorError};
pub use files::{raise_open_files, write_in_place, write_whole};
pub use logging::{LogError, start};
pub use options::{Options, accept};
pub use origin::{OriginError, Trust, outbound};
pub use signals::{Hangups, stop_asked, stop_asked_or_never};
pub use source::{SourceError, TokenError, resolve, settle_token};
pub use watch::FileWatch;
