//! A log file that begins anew each day; files of days long gone are removed.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use chrono::{DateTime, Days, Local, NaiveDate, NaiveDateTime};

use super::queue::Out;

/// What stands between the name and the extension of an old file: when it was put aside (golib
/// log/output_rotatefile.go).
const STAMP: &str = "%Y%m%d-%H%M%S";

/// A file that is rotated at the first line of a new day.
#[derive(Debug)]
pub(super) struct DailyFile {
    path: PathBuf,
    /// Days for which old files are kept; 0 = for ever.
    keep: u32,
    file: File,
    /// The day of the lines in the file.
    day: NaiveDate,
}

impl DailyFile {
    /// Opens the file at `path`, or makes it and the folders it lies in.
    ///
    /// # Errors
    /// It cannot be written to.
    pub(super) fn open(path: &Path, keep: u32, now: DateTime<Local>) -> io::Result<Self> {
        let file = append_to(path)?;
        let about = file.metadata()?;
        let day = if about.len() == 0 {
            now.date_naive()
        } else {
            let written = about.modified().unwrap_or_else(|_| SystemTime::now());
            DateTime::<Local>::from(written).date_naive()
        };
        let opened = Self {
            path: path.to_owned(),
            keep,
            file,
            day,
        };
        opened.remove_old(now);
        Ok(opened)
    }

    /// Puts the file aside and begins a new one. When the system refuses, the old one goes on.
    fn rotate(&mut self, now: DateTime<Local>) {
        self.day = now.date_naive();
        let before = self.file.metadata().map(|about| about.permissions());
        if fs::rename(&self.path, self.aside(now)).is_ok()
            && let Ok(file) = append_to(&self.path)
        {
            self.file = file;
            // Whoever may read the old one may read the new one.
            let _kept = before.and_then(|rights| self.file.set_permissions(rights));
        }
        self.remove_old(now);
    }

    /// Name and extension, with the dot, of this file.
    fn name(&self) -> (&str, String) {
        let stem = self.path.file_stem().and_then(|stem| stem.to_str());
        let extension = self.path.extension().and_then(|end| end.to_str());
        let extension = extension.map_or_else(String::new, |end| format!(".{end}"));
        (stem.unwrap_or("log"), extension)
    }

    fn aside(&self, now: DateTime<Local>) -> PathBuf {
        let (stem, extension) = self.name();
        let name = format!("{stem}.{}{extension}", now.format(STAMP));
        self.path.with_file_name(name)
    }

    /// Removes what was put aside more than [`keep`](Self::keep) days ago. Only names that
    /// [`aside`](Self::aside) makes are looked at.
    fn remove_old(&self, now: DateTime<Local>) {
        let limit = now.checked_sub_days(Days::new(self.keep.into()));
        let (true, Some(limit)) = (self.keep > 0, limit) else {
            return;
        };
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let (stem, extension) = self.name();
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let stamp = name
                .to_str()
                .and_then(|name| name.strip_prefix(stem)?.strip_prefix('.'))
                .and_then(|name| name.strip_suffix(&extension));
            let put_aside = stamp.and_then(|at| NaiveDateTime::parse_from_str(at, STAMP).ok());
            if put_aside.is_some_and(|at| at < limit.naive_local()) {
                // Another program may have been faster.
                let _gone = fs::remove_file(entry.path());
            }
        }
    }
}

impl Out for DailyFile {
    fn write(&mut self, now: DateTime<Local>, lines: &[u8]) {
        if now.date_naive() > self.day {
            self.rotate(now);
        }
        // A full disk must not end the service.
        let _lost = self.file.write_all(lines);
    }
}

/// Opens a file; a new one may be read by our own user only, as upstream's.
fn append_to(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    /// A folder of this test's own.
    fn folder(name: &str) -> PathBuf {
        let name = format!("culvert-log-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        drop(fs::remove_dir_all(&folder));
        fs::create_dir(&folder).unwrap();
        folder
    }

    fn names(folder: &Path) -> Vec<String> {
        let files = fs::read_dir(folder).unwrap();
        let name = |file: io::Result<fs::DirEntry>| file.unwrap().file_name().into_string();
        let mut names: Vec<_> = files.map(|file| name(file).unwrap()).collect();
        names.sort();
        names
    }

    fn noon(day: u32) -> DateTime<Local> {
        Local.with_ymd_and_hms(2030, 5, day, 12, 0, 1).unwrap()
    }

    #[test]
    fn a_new_day_begins_a_new_file_and_ends_old_ones() {
        let folder = folder("days");
        let folder = folder.join("in/here");
        let path = folder.join("frps.log");
        let mut file = DailyFile::open(&path, 2, noon(1)).unwrap();
        for day in 1..=5 {
            file.write(noon(day), format!("day {day}\n").as_bytes());
            file.write(noon(day), b"and more\n");
        }
        let expected = [
            // Put aside at the first line of a day; kept for two days.
            "frps.20300503-120001.log",
            "frps.20300504-120001.log",
            "frps.20300505-120001.log",
            "frps.log",
        ];
        assert_eq!(names(&folder), expected);
        let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        assert_eq!(text("frps.log"), "day 5\nand more\n");
        assert_eq!(text("frps.20300505-120001.log"), "day 4\nand more\n");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_file_of_a_day_before_the_start_is_put_aside() {
        let folder = folder("start");
        let path = folder.join("log");
        fs::write(&path, "yesterday\n").unwrap();
        let tomorrow = Local::now().checked_add_days(Days::new(1)).unwrap();
        let mut file = DailyFile::open(&path, 3, tomorrow).unwrap();
        file.write(tomorrow, b"today\n");
        let aside = format!("log.{}", tomorrow.format(STAMP));
        assert_eq!(names(&folder), ["log", &aside]);
        assert_eq!(fs::read_to_string(&path).unwrap(), "today\n");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn files_of_others_stay() {
        let folder = folder("others");
        let others = [
            "frps.20200101-000000.log.gz",
            "frps.2020.log",
            "other.20200101-000000.log",
        ];
        for name in others.iter().chain(&["frps.20200101-000000.log"]) {
            fs::write(folder.join(name), "x").unwrap();
        }
        let path = folder.join("frps.log");
        drop(DailyFile::open(&path, 0, noon(1)).unwrap());
        assert_eq!(names(&folder).len(), 5);
        drop(DailyFile::open(&path, 1, noon(1)).unwrap());
        let left = names(&folder);
        assert_eq!(left.len(), 4);
        assert!(others.iter().all(|name| left.contains(&(*name).to_owned())));
        fs::remove_dir_all(folder).unwrap();
    }
}
