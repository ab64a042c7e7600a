//! In place of the legacy INI format, in builds without `formats`: says that it is not there.

use crate::reading::Role;
use crate::tree::Node;

/// Why such a file cannot be read.
#[derive(Debug)]
pub(crate) struct Failed {
    /// The line.
    pub line: u32,
    /// The reason.
    pub reason: String,
}

/// Whether a text seems to be of that format; TOML with a table `common` would be refused anyway.
pub(crate) fn is_legacy(text: &str) -> bool {
    text.lines().any(|line| line.trim() == "[common]")
}

/// None: nothing is read.
pub(crate) const fn includes(_: &str) -> Vec<(u32, String)> {
    Vec::new()
}

/// Refuses.
pub(crate) fn parse(_: &str, _: &str, _: Role) -> Result<Node, Failed> {
    Err(Failed {
        line: 1,
        reason: "this build has no formats but TOML and JSON: use one that was built with \
                 --features formats, or write the file anew in TOML"
            .to_owned(),
    })
}
