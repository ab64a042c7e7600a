//! Notices that a file was changed.

use std::{
    future::Future,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tokio::time::sleep;

/// How often the file is looked at. Looking costs microseconds and works on every file system,
/// also where the system tells of no changes.
const EVERY: Duration = Duration::from_secs(1);

/// What tells one state of a file from another; `None` while there is no file.
type Seen = Option<(SystemTime, u64)>;

/// Does `work` whenever the file at `path` changed, until dropped. It looks once in a second and
/// leaves the file alone until that finds no further change, so that nobody reads it half written.
/// A file that is gone is waited for.
///
/// *Cancel safety*: as `work`.
pub async fn at_changes<F: Future<Output = ()>>(path: &Path, work: impl Fn() -> F) {
    let mut watch = FileWatch::new(path).await;
    loop {
        watch.changed().await;
        work().await;
    }
}

struct FileWatch {
    path: PathBuf,
    known: Seen,
}

impl FileWatch {
    /// Notices changes from now on.
    async fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            known: look(path).await,
        }
    }

    /// Waits until the file is another and has been left alone for one look.
    async fn changed(&mut self) {
        let mut last = self.known;
        loop {
            sleep(EVERY).await;
            let now = look(&self.path).await;
            if now.is_some() && now == last && now != self.known {
                self.known = now;
                return;
            }
            last = now;
        }
    }
}

async fn look(path: &Path) -> Seen {
    let meta = tokio::fs::metadata(path).await.ok()?;
    Some((meta.modified().ok()?, meta.len()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn a_change_is_noticed_once() {
        let path = std::env::temp_dir().join(format!("culvert-watch-{}", std::process::id()));
        fs::write(&path, "one").unwrap();
        let mut watch = FileWatch::new(&path).await;
        fs::write(&path, "three").unwrap();
        watch.changed().await;
        fs::remove_file(&path).unwrap();
        let again = tokio::time::timeout(2 * EVERY, watch.changed()).await;
        assert!(again.is_err());
    }
}
