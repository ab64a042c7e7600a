//! Command line options that both programs have, and what they mean for reading a file.

use culvert_conf::{Extensions, LEGACY_WARNING, Loaded, Reading, Strictness};

#[cfg(feature = "flags")]
use crate::boolean;
use crate::say;

/// Options of both programs, with upstream's names (config 3).
#[derive(Debug, Clone)]
#[cfg_attr(feature = "flags", derive(clap::Args))]
pub struct Options {
    /// Print the release of frp that this program stands in for, and exit.
    #[cfg_attr(feature = "flags", arg(short = 'v', long = "version", global = true))]
    pub version: bool,

    /// Refuse keys that are not known.
    #[cfg_attr(feature = "flags", arg(
        long = "strict-config", global = true, value_name = "BOOL", default_value_t = true,
        num_args = 0..=1, default_missing_value = "true", require_equals = true,
        action = clap::ArgAction::Set, value_parser = boolean, hide_possible_values = true
    ))]
    pub strict: bool,

    /// Allow features that can do harm when others write the file: TokenSourceExec, which runs
    /// programs for tokens, TransportExec, which runs transport programs; commas between them.
    #[cfg_attr(
        feature = "flags",
        arg(
            long = "allow-unsafe",
            global = true,
            value_name = "FEATURES",
            value_delimiter = ','
        )
    )]
    pub allow_unsafe: Vec<String>,
}

impl Options {
    /// How a configuration is read, with these transports in the program.
    #[must_use]
    pub fn reading<'a>(&'a self, transports: &'a [&'a str]) -> Reading<'a> {
        let strictness = if self.strict {
            Strictness::Strict
        } else {
            Strictness::Lenient
        };
        Reading {
            strictness,
            extensions: Extensions {
                transports,
                allow_unsafe: &self.allow_unsafe,
            },
            environment: None,
        }
    }
}

/// Takes the configuration out and shows what it gives to think about, as upstream does; that the
/// format is old only where the program `runs`, and does not only verify.
pub fn accept<T>(loaded: Loaded<T>, runs: bool) -> T {
    if loaded.legacy && runs {
        say(LEGACY_WARNING);
    }
    for warning in loaded.warnings {
        say(&format!("WARNING: {warning}"));
    }
    loaded.config
}
