//! The files of the repository.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::error::{Error, Result};

/// What is built or downloaded is not ours.
const SKIPPED: [&str; 6] = [
    ".git",
    "target",
    "artifacts",
    "coverage",
    "corpus",
    "node_modules",
];

/// Makes the root of the repository the working directory: `cargo xtask` may be run anywhere in
/// it.
pub(crate) fn enter_root() -> Result {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let root = root.ok_or_else(|| Error::found("the repository's root is not known"))?;
    std::env::set_current_dir(root).map_err(Error::io(format!("enter {}", root.display())))
}

/// Every file below the working directory that belongs to the project.
pub(crate) fn files() -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut open = vec![PathBuf::from(".")];
    while let Some(dir) = open.pop() {
        let entries = fs::read_dir(&dir).map_err(Error::io(format!("list {}", dir.display())))?;
        for entry in entries {
            let path = entry
                .map_err(Error::io(format!("list {}", dir.display())))?
                .path();
            let skipped = path
                .file_name()
                .is_some_and(|name| SKIPPED.iter().any(|s| name == *s));
            if path.is_dir() && !skipped {
                open.push(path);
            } else if path.is_file() {
                files.push(path.strip_prefix(".").map(Path::to_owned).unwrap_or(path));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The Rust sources among [`files`], with their text.
pub(crate) fn sources() -> Result<Vec<(PathBuf, String)>> {
    let rust = |path: &PathBuf| path.extension().is_some_and(|e| e == "rs");
    files()?
        .into_iter()
        .filter(rust)
        .map(|path| Ok((read(&path)?, path)))
        .map(|r| r.map(|(text, path)| (path, text)))
        .collect()
}

/// The text of one file.
pub(crate) fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(Error::io(format!("read {}", path.display())))
}
