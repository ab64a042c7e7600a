//! Programs of others that some tests run, where they are installed.

use std::path::PathBuf;

/// Where `program` is, looked for as a shell does it; `None`, after telling the reader, when it is
/// not installed.
#[must_use]
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
pub fn tool(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    let found = std::env::split_paths(&folders)
        .map(|folder| folder.join(&file))
        .find(|path| path.is_file());
    if found.is_none() {
        println!("skipped: {program} is not installed; `cargo xtask setup` installs it");
    }
    found
}

#[cfg(test)]
mod tests {
    use super::tool;

    #[test]
    fn programs_are_found_or_not() {
        assert!(tool("cargo").is_some());
        assert!(tool("no-such-program-anywhere").is_none());
    }
}
