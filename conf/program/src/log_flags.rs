//! The flags for log lines, which both programs take (upstream: pkg/config/flags.go).

use crate::{
    Flag,
    Takes::{Number, Switch, Text},
};

/// Where the lines go.
pub const FILE: Flag = Flag::new(
    "log-file",
    "log.to",
    Text("console"),
    "console, or the file for log lines",
);

/// How many of them.
pub const LEVEL: Flag = Flag::new(
    "log-level",
    "log.level",
    Text("info"),
    "The least that is logged: trace, debug, info, warn or error",
);

/// How long they are kept.
pub const MAX_DAYS: Flag = Flag::new(
    "log-max-days",
    "log.maxDays",
    Number("3"),
    "Days for which log files are kept",
);

/// Whether they are plain.
pub const NO_COLOR: Flag = Flag::new(
    "disable-log-color",
    "log.disablePrintColor",
    Switch(false),
    "No colours on the console",
);
