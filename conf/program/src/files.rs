//! How many files and sockets the process may have open, and writing a file so that nothing is
//! lost.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Gives the file at `path` this content, all of it or none, whatever happens meanwhile; only our
/// own user may read it. Folders that are missing are made. Blocks.
///
/// # Errors
/// The system refuses; the file is as it was.
pub fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        fs::create_dir_all(folder)?;
    }
    let mut beside = path.as_os_str().to_owned();
    // upstream: pkg/config/source/store.go names it so.
    beside.push(".tmp");
    let beside = PathBuf::from(beside);
    let written = write_synced(&beside, content).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // What could not be written is of no use to anybody.
        let _gone = fs::remove_file(&beside);
    }
    written?;
    // The new name lasts once the folder is written, where folders can be opened.
    if let Ok(folder) = File::open(folder.unwrap_or_else(|| Path::new("."))) {
        let _best_effort = folder.sync_all();
    }
    Ok(())
}

fn write_synced(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = private().truncate(true).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Gives the file at `path` this content in its place, with its owner and its links; a new file
/// may be read by our own user only. Blocks.
///
/// # Errors
/// The system refuses; a part may be written then.
pub fn write_in_place(path: &Path, content: &[u8]) -> io::Result<()> {
    write_synced(path, content)
}

/// Writing to a file that others may not read if it is new.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Raises the soft limit of open files to the hard one, as Go programs do when they start: each
/// user connection takes a socket at either end. Where that is not possible the limit stays.
#[cfg(unix)]
pub fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let before = std::mem::replace(&mut limit.current, limit.maximum);
        if let Err(err) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!("the limit of open files stays as it is: {err}");
            limit.current = before;
        }
    }
    if let Some(files) = limit.current {
        tracing::info!("up to {files} files and connections can be open at a time");
    }
}

/// There is no such limit here.
#[cfg(not(unix))]
pub fn raise_open_files() {}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use rustix::process::{Resource, getrlimit};

    use super::{write_in_place, write_whole};

    #[test]
    fn files_are_written_whole_and_for_us_alone() {
        let folder = std::env::temp_dir().join(format!("culvert-files-{}", std::process::id()));
        let path = folder.join("in/here.json");
        for content in ["first, which is longer", "second"] {
            write_whole(&path, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.join("in")).unwrap().count(), 1);
        write_in_place(&path, b"third").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "third");
        // A folder cannot be replaced: nothing is left beside it.
        write_whole(&folder.join("in"), b"").unwrap_err();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn the_soft_limit_meets_the_hard_one() {
        super::raise_open_files();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
