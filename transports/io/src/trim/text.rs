//! Gives back the pages of program text that only start-up or a burst needed.
//!
//! The kernel maps 16 pages wherever one is run and never lets go by itself: a program that read
//! its configuration and logged in keeps nearly all of its text resident. Measured on an idle
//! pair: 18.3 MiB resident, of which 1.9 were not text; 6.4 to 7.9 once the text had been given back,
//! 11.4 after the next heartbeats. The pages stay in the system's file cache until it
//! needs the room, so the next connection costs a minor fault for each 64 KiB it runs through.

use std::{ffi::OsStr, ops::Range, path::Path};

/// What the programs are linked with, by the beginnings of file names: mapped for as long as the
/// process lives, so that no range of theirs can become something else meanwhile.
const LINKED: [&str; 4] = ["ld-", "libc.so", "libgcc_s.so", "libm.so"];

/// The mappings in `smaps` (proc(5)) that can be read from their files again at any time: those of
/// the program `own` and of what it is linked with, that nobody may write to and nobody has, the
/// dynamic loader, a debugger or a packer included.
pub(super) fn unchanged<'a>(
    smaps: &'a str,
    own: &'a Path,
) -> impl Iterator<Item = Range<usize>> + 'a {
    let mut lines = smaps.lines().peekable();
    std::iter::from_fn(move || {
        let mapping = Mapping::parse(lines.next()?);
        let mut pristine = true;
        while let Some(detail) = lines.next_if(|line| Mapping::parse(line).is_none()) {
            let mut words = detail.split_ascii_whitespace();
            let changed = matches!(words.next(), Some("Anonymous:" | "Swap:"));
            pristine &= !changed || words.next() == Some("0");
        }
        Some(mapping.filter(|mapping| pristine && mapping.is_text_of(own)))
    })
    .flatten()
    .map(|mapping| mapping.range)
}

/// The line that begins the description of a mapping.
struct Mapping<'a> {
    range: Range<usize>,
    permissions: &'a str,
    file: &'a Path,
}

impl<'a> Mapping<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.splitn(6, ' ');
        let (start, end) = words.next()?.split_once('-')?;
        let permissions = words.next()?;
        Some(Self {
            range: usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?,
            permissions,
            file: Path::new(words.nth(3)?.trim_start()),
        })
    }

    fn is_text_of(&self, own: &Path) -> bool {
        let name = self.file.file_name().and_then(OsStr::to_str).unwrap_or("");
        let linked = || LINKED.iter().any(|linked| name.starts_with(linked));
        matches!(self.permissions, "r-xp" | "r--p")
            && self.file.is_absolute()
            && (self.file == own || linked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shaped as the kernel prints it, with the lines that matter and one that does not.
    fn mapping(line: &str, anonymous: u32, swap: u32) -> String {
        format!(
            "{line}\nRss:  64 kB\nAnonymous:  {anonymous} kB\nSwap:  {swap} kB\nVmFlags: rd ex\n"
        )
    }

    #[test]
    fn only_what_the_files_still_say_is_given_back() {
        let given = |line: &str, anonymous, swap| {
            let one = mapping(line, anonymous, swap);
            // Between others, as the end of one is the beginning of the next.
            let other = mapping("7000-8000 rw-p 00000000 00:00 0 ", 4, 0);
            let smaps = format!("{other}{one}{other}");
            unchanged(&smaps, Path::new("/usr/bin/frps")).collect::<Vec<_>>()
        };
        let text = "1000-3000 r-xp 00001000 fe:00 4711     /usr/bin/frps";
        assert_eq!(given(text, 0, 0), vec![0x1000..0x3000]);
        assert_eq!(given(text, 4, 0), vec![], "a breakpoint, or a packer's");
        assert_eq!(given(text, 0, 4), vec![], "the same, swapped out");
        for (line, is_given) in [
            ("1000-3000 r--p 00000000 fe:00 4711  /usr/bin/frps", true),
            ("1000-3000 rw-p 00000000 fe:00 4711  /usr/bin/frps", false),
            ("1000-3000 r-xs 00000000 fe:00 4711  /usr/bin/frps", false),
            (
                "1000-3000 r-xp 00000000 fe:00 12  /lib/x86_64-linux-gnu/libc.so.6",
                true,
            ),
            (
                "1000-3000 r-xp 00000000 fe:00 12  /lib/libnss_dns.so.2",
                false,
            ),
            (
                "1000-3000 r-xp 00000000 fe:00 12  /usr/bin/frps (deleted)",
                false,
            ),
            ("1000-3000 r-xp 00000000 00:00 0  [vdso]", false),
            ("1000-3000 r-xp 00000000 00:00 0 ", false),
        ] {
            assert_eq!(given(line, 0, 0).len(), usize::from(is_given), "{line}");
        }
    }

    #[test]
    fn what_is_no_mapping_is_left_alone() {
        for smaps in [
            "",
            "\n",
            "1-2",
            "x-y r-xp 0 0 0 /a",
            "Rss: 1 kB\nAnonymous: 0 kB",
        ] {
            assert_eq!(unchanged(smaps, Path::new("/a")).count(), 0, "{smaps:?}");
        }
    }
}
