//! `--config-dir`: a client for every file of a folder, all in one process (config 2.9).

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};

use culvert_conf::Reading;
use culvert_program::{Failure, accept, say, start_here};
use culvert_transports::Transports;

use crate::{app::live, setup::ConfigFile};

/// The most files: each has a thread.
const MOST_FILES: usize = 4096;

/// Runs them until the last one has ended. What is wrong with one of them is said and does not
/// concern the others; upstream hides what it was.
pub(crate) fn run(folder: &Path, reading: Reading<'_>, transports: &Transports) {
    let mut files = Vec::new();
    collect(folder, &mut files);
    culvert_program::raise_open_files();
    thread::scope(|threads| {
        for file in &files {
            threads.spawn(|| {
                if let Err(failure) = one(file, reading, transports) {
                    let file = file.display();
                    say(&format!(
                        "frpc service error for config file [{file}]\n{}",
                        failure.0
                    ));
                }
            });
        }
    });
}

/// The files in `folder` and the folders in it, in the order of their names. What cannot be read
/// is left out, as upstream does.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        // A link to a folder is not followed: it may lead back.
        let is_link = path.is_symlink();
        if path.is_dir() {
            if !is_link {
                collect(&path, files);
            }
        } else if files.len() < MOST_FILES {
            files.push(path);
        }
    }
}

fn one(file: &Path, reading: Reading<'_>, transports: &Transports) -> Result<(), Failure> {
    let config = accept(culvert_conf::load_client(file, reading)?, true);
    let log = config.log.clone();
    let file = ConfigFile::new(file, reading);
    start_here(&log, || live(config, Some(file), transports))?
}
