//! In place of YAML, in builds without `formats`: says that it is not there.

use super::TextError;
use crate::tree::Node;

/// Refuses.
pub(super) fn parse(_: &str) -> Result<Node, TextError> {
    Err(TextError {
        line: 1,
        column: 1,
        message:
            "this build has no YAML: use one that was built with --features formats, or write \
                  the file anew in TOML"
                .to_owned(),
    })
}
