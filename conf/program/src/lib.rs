//! What both programs do around their service: log lines, signals, command line, web server, exit
//! codes.

mod command;
#[cfg(feature = "tools")]
mod completion;
#[cfg_attr(not(feature = "dashboard"), path = "absent/door.rs")]
mod door;
mod files;
mod flags;
mod format;
mod help;
#[cfg(feature = "tools")]
mod init;
pub mod log_flags;
mod logging;
mod options;
#[cfg_attr(not(feature = "http"), path = "absent/origin.rs")]
mod origin;
#[cfg_attr(not(feature = "dashboard"), path = "absent/process.rs")]
mod process;
pub mod proxy_flags;
mod report;
mod signals;
mod source;
mod usage;
mod watch;

pub use command::{CommandLine, Failure, run, say};
#[cfg(feature = "tools")]
pub use completion::Completion;
pub use door::{Door, DoorError, Product};
pub use files::{raise_open_files, write_in_place, write_whole};
pub use flags::{BadValue, Flag, Takes, boolean, duration, keys, path, refused, unused_words};
pub use help::help;
#[cfg(feature = "tools")]
pub use init::{Init, Side};
pub use logging::{LogError, start, start_here};
pub use options::{Options, accept};
pub use origin::OriginError;
#[cfg(feature = "http")]
pub use origin::{Through, Trust, environment::proxy as proxy_of_environment, outbound};
pub use process::note_start;
#[cfg(feature = "dashboard")]
pub use process::process_metrics;
pub use report::Verify;
pub use signals::{at_hangups, stop_asked, stop_asked_or_never};
pub use source::{SourceError, TokenError, resolve, settle_token};
pub use usage::complaint;
pub use watch::at_changes;
