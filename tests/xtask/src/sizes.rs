//! Files stay small enough to read in one sitting. (Clippy watches the functions.)

use crate::{
    error::{Error, Result},
    out::say,
    tree,
};

/// The ceiling; 40 to 250 lines are the aim (docs/STYLE.md).
const MAX_LINES: usize = 600;

pub(crate) fn check() -> Result {
    let mut sizes: Vec<_> = tree::sources()?
        .into_iter()
        .map(|(path, text)| (text.lines().count(), path))
        .collect();
    sizes.sort_by_key(|size| std::cmp::Reverse(size.0));
    say("the ten largest files:");
    for (lines, path) in sizes.iter().take(10) {
        say(&format!("{lines:>6}  {}", path.display()));
    }
    match sizes.iter().filter(|(lines, _)| *lines > MAX_LINES).count() {
        0 => Ok(()),
        n => Err(Error::found(format!(
            "{n} files have more than {MAX_LINES} lines: split them"
        ))),
    }
}
