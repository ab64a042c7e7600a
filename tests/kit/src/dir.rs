//! A directory that is gone when its owner is.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{Error, Result, random_hex};

/// A fresh directory under the system's temporary one, removed on drop.
#[derive(Debug)]
pub struct TempDir(PathBuf);

impl TempDir {
    /// Makes a directory whose name nobody can guess.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("culvert-{}", random_hex(8)?));
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700); // configurations hold tokens
        builder
            .create(&path)
            .map_err(Error::io(format!("make directory {}", path.display())))?;
        Ok(Self(path))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file into it, in folders that are made where they are missing, and returns the
    /// file's path.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.0.join(name);
        let folder = path.parent().unwrap_or(&self.0);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, text))
            .map_err(Error::io(format!("write {}", path.display())))?;
        Ok(path)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // Best effort: a leftover under the temporary directory harms nobody.
        drop(fs::remove_dir_all(&self.0));
    }
}
