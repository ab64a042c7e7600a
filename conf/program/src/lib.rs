//! What both programs do around their service: log lines, signals, command line, web server, exit
//! codes.

#[cfg_attr(not(feature = "flags"), path = "absent/arguments.rs")]
mod arguments;
mod command;
#[cfg(feature = "tools")]
mod completion;
#[cfg_attr(not(feature = "dashboard"), path = "absent/door.rs")]
mod door;
mod files;
#[cfg(feature = "flags")]
mod flags;
mod format;
#[cfg(feature = "flags")]
mod help;
#[cfg(feature = "tools")]
mod init;
#[cfg(feature = "flags")]
pub mod log_flags;
mod logging;
mod options;
#[cfg_attr(not(feature = "http"), path = "absent/origin.rs")]
mod origin;
#[cfg_attr(not(feature = "dashboard"), path = "absent/process.rs")]
mod process;
#[cfg(feature = "flags")]
pub mod proxy_flags;
mod report;
mod signals;
mod source;
#[cfg(feature = "flags")]
mod usage;
mod watch;

#[cfg(not(feature = "flags"))]
pub use arguments::Given;
pub use arguments::{CommandLine, run};
pub use command::{Failure, say};
#[cfg(feature = "tools")]
pub use completion::Completion;
pub use door::{Door, DoorError, Product};
pub use files::{raise_open_files, write_in_place, write_whole};
#[cfg(feature = "flags")]
pub use flags::{BadValue, Flag, Takes, boolean, duration, keys, path, refused, unused_words};
#[cfg(feature = "flags")]
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
#[cfg(feature = "flags")]
pub use usage::complaint;
pub use watch::at_changes;
