//! `includes`: the files that a pattern names, and one numbering of lines through all of them.

use std::path::{Path, PathBuf};

use crate::error::ConfigError;
use crate::source;

/// The files that one configuration may have; more is a pattern that was not meant.
const MOST_FILES: usize = 10_000;

/// The files of one configuration. Their lines are numbered through, so that one tree can hold
/// what stands in several files.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    /// For each file the line before its first one, in growing order.
    bases: Vec<(u32, String)>,
    next: u32,
}

impl Files {
    /// Begins with the file `name` of this text, whose lines keep their numbers.
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let mut files = Self {
            bases: Vec::new(),
            next: 0,
        };
        files.add(name, text);
        files
    }

    /// Adds a file; what is to be added to its line numbers.
    pub(crate) fn add(&mut self, name: &str, text: &str) -> u32 {
        let base = self.next;
        self.bases.push((base, name.to_owned()));
        let lines = u32::try_from(text.split('\n').count()).unwrap_or(u32::MAX);
        // An error may be named for the line behind the last one.
        self.next = base.saturating_add(lines).saturating_add(1);
        base
    }

    /// The file and the line there.
    pub(crate) fn place(&self, line: u32) -> (&str, u32) {
        let known = self.bases.iter().rev().find(|(base, _)| *base < line);
        let (base, name) = known
            .or_else(|| self.bases.first())
            .map_or((0, ""), |(base, name)| (*base, name.as_str()));
        (name, line.saturating_sub(base))
    }
}

/// One more file.
#[derive(Debug)]
pub(crate) struct Included {
    /// Its path, absolute.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Why a pattern names no files.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The folder cannot be read.
    Folder(PathBuf, std::io::Error),
    /// One of the files cannot be read.
    File(ConfigError),
}

/// Reads the files that `pattern` names, in the order of their names. The folder is seen from
/// where the program was started, not from where the configuration lies; there may be no file in
/// it that fits (pkg/config/load.go).
pub(crate) fn read(pattern: &str) -> Result<Vec<Included>, Fault> {
    let path = Path::new(pattern);
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let wrong = |error| Fault::Folder(folder.to_owned(), error);
    let folder = std::path::absolute(folder).map_err(wrong)?;
    let wrong = |error| Fault::Folder(folder.clone(), error);
    let wanted = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let fits = entry
            .file_name()
            .to_str()
            .is_some_and(|name| fits(wanted, name));
        if fits && !is_folder && found.len() < MOST_FILES {
            found.push(entry.path());
        }
    }
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let text = source::read(&path).map_err(Fault::File)?;
            Ok(Included {
                name: path.display().to_string(),
                text,
            })
        })
        .collect()
}

/// Whether `name` fits `pattern`: `*` is any text, `?` one character, `[a-z]` and `[^a]` one of a
/// set, `\` takes the next character as it is. A malformed pattern fits nothing.
fn fits(pattern: &str, name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let Some(pattern) = parts(pattern) else {
        return false;
    };
    // For each length of the name's front, whether it fits the pattern so far.
    let mut fits: Vec<bool> = (0..=name.len()).map(|length| length == 0).collect();
    for part in &pattern {
        let mut next = vec![false; fits.len()];
        let mut any_before = false;
        for (length, cell) in next.iter_mut().enumerate() {
            let here = fits.get(length) == Some(&true);
            let before = length.checked_sub(1);
            any_before |= here;
            *cell = match part {
                Part::Any => any_before,
                Part::One(set) => before.is_some_and(|at| {
                    fits.get(at) == Some(&true) && name.get(at).is_some_and(|c| set.has(*c))
                }),
            };
        }
        fits = next;
    }
    fits.last() == Some(&true)
}

enum Part {
    Any,
    One(Set),
}

struct Set {
    ranges: Vec<(char, char)>,
    negated: bool,
}

impl Set {
    fn has(&self, c: char) -> bool {
        self.ranges
            .iter()
            .any(|(low, high)| (*low..=*high).contains(&c))
            != self.negated
    }

    fn one(c: char) -> Part {
        Part::One(Self {
            ranges: vec![(c, c)],
            negated: false,
        })
    }
}

fn parts(pattern: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        parts.push(match c {
            '*' => Part::Any,
            '?' => Part::One(Set {
                ranges: Vec::new(),
                negated: true,
            }),
            '[' => Part::One(set(&mut chars)?),
            '\\' => Set::one(chars.next()?),
            c => Set::one(c),
        });
    }
    Some(parts)
}

fn set(chars: &mut std::str::Chars<'_>) -> Option<Set> {
    let negated = chars.as_str().starts_with('^');
    if negated {
        chars.next();
    }
    let mut ranges = Vec::new();
    let one = |chars: &mut std::str::Chars<'_>| match chars.next()? {
        '\\' => chars.next(),
        '-' | ']' => None,
        c => Some(c),
    };
    loop {
        if chars.as_str().starts_with(']') && !ranges.is_empty() {
            chars.next();
            return Some(Set { ranges, negated });
        }
        let low = one(chars)?;
        let high = if chars.as_str().starts_with('-') {
            chars.next();
            one(chars)?
        } else {
            low
        };
        ranges.push((low, high));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, wanted) in [
            ("*.toml", "a.toml", true),
            ("*.toml", "a.tomlx", false),
            ("*", "", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[^a]x", "bx", true),
            ("[", "[", false),
            ("[]a]", "a", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("a*b*c", "aXbYbZc", true),
            ("ä?", "äö", true),
        ] {
            assert_eq!(fits(pattern, name), wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn lines_are_numbered_through() {
        let mut files = Files::new("a", "1\n2\n");
        let base = files.add("b", "1");
        assert_eq!(files.place(2), ("a", 2));
        assert_eq!(files.place(base + 1), ("b", 1));
        assert_eq!(files.place(0), ("a", 0));
    }
}
