//! Pages of the operator's own: the folder that `webServer.assetsDir` names.

use std::{
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use cap_std::{ambient_authority, fs::Dir};

/// The longest file that is served: a whole dashboard in one file is below 5 MB.
const LONGEST: u64 = 16 << 20;

/// A folder whose files are served, and nothing outside it: links that lead out are not followed.
#[derive(Clone, Debug)]
pub struct Folder {
    dir: Arc<Dir>,
}

impl Folder {
    /// Opens the folder; blocks.
    ///
    /// # Errors
    /// There is none at `path`, or it may not be read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let dir = Dir::open_ambient_dir(path, ambient_authority())?;
        Ok(Self { dir: Arc::new(dir) })
    }

    /// The bytes of a file, its path given from the folder on.
    ///
    /// *Cancel safety*: a file that is being read is dropped.
    ///
    /// # Errors
    /// It is not there, is no file, leads outside, or is longer than 16 MiB.
    pub(crate) async fn read(&self, name: String) -> io::Result<Vec<u8>> {
        let dir = Arc::clone(&self.dir);
        let read = tokio::task::spawn_blocking(move || read(&dir, &name));
        read.await.map_err(io::Error::other)?
    }
}

fn read(dir: &Dir, name: &str) -> io::Result<Vec<u8>> {
    // Asked before: to open a pipe would wait for its writer.
    if !dir.metadata(name)?.is_file() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let mut bytes = Vec::new();
    let read = dir.open(name)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if read as u64 > LONGEST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}
