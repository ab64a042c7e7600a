//! What a request's path asks for, below the folder.

use culvert_http::web::decoded;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The names on the way; empty for the folder itself. None is `.`, `..` or has a slash.
    names: Vec<String>,
    /// The path ends like that of a folder.
    pub(super) is_folder: bool,
}

impl Wanted {
    /// Reads a path; `None` when it is outside of `prefix`, which has a slash at both ends, or no
    /// path at all. `..` is resolved within the folder, as Go's `path.Clean` does it.
    pub(super) fn new(path: &str, prefix: &str) -> Option<Self> {
        let path = decoded(path, false)?;
        let rest = path.strip_prefix(prefix)?;
        if rest.contains('\0') {
            return None;
        }
        let mut names: Vec<String> = Vec::new();
        for part in rest.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(names.pop()),
                // Such a name would mean something else to some systems.
                _ if cfg!(windows) && part.contains(['\\', ':']) => return None,
                name => names.push(name.to_owned()),
            }
        }
        let last = rest.rsplit('/').next().unwrap_or_default();
        Some(Self {
            is_folder: names.is_empty() || ["", ".", ".."].contains(&last),
            names,
        })
    }

    /// The page of a folder.
    pub(super) fn index() -> Self {
        Self {
            names: vec!["index.html".to_owned()],
            is_folder: false,
        }
    }

    /// The path below the folder, `.` for the folder itself.
    pub(super) fn name(&self) -> String {
        if self.names.is_empty() {
            ".".to_owned()
        } else {
            self.names.join("/")
        }
    }

    /// The last name.
    pub(super) fn last(&self) -> &str {
        self.names.last().map_or("", String::as_str)
    }

    /// Where to go instead of a folder's page by name: to the folder.
    pub(super) fn without_index(&self) -> Option<String> {
        (!self.is_folder && self.last() == "index.html").then(|| "./".to_owned())
    }

    /// Where to go for a folder that was asked for like a file.
    pub(super) fn as_folder(&self) -> String {
        format!("{}/", encode(self.last()))
    }

    /// Where to go for a file that was asked for like a folder.
    pub(super) fn as_file(&self) -> String {
        format!("../{}", encode(self.last()))
    }
}

/// A name as one segment of a relative reference: a name with a colon must not look like a scheme
/// (RFC 3986 4.2), so it is escaped too.
pub(super) fn encode(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Wanted, encode};

    #[test]
    fn paths_stay_below_the_folder() {
        for (path, name) in [
            ("/", "."),
            ("/a/b", "a/b"),
            ("/../../etc/passwd", "etc/passwd"),
            ("/a/../../b", "b"),
            ("/%2e%2e/%2e%2e/b", "b"),
            ("/..%2f..%2fb", "b"),
            ("//a//./b/", "a/b"),
            ("/a%20b", "a b"),
        ] {
            assert_eq!(Wanted::new(path, "/").unwrap().name(), name, "{path}");
        }
        for bad in ["/%", "/%zz", "/%00", "/%ff", "relative"] {
            assert_eq!(Wanted::new(bad, "/"), None, "{bad}");
        }
    }

    #[test]
    fn a_prefix_is_taken_off() {
        assert_eq!(Wanted::new("/static/a", "/static/").unwrap().name(), "a");
        assert_eq!(Wanted::new("/static", "/static/"), None);
        assert_eq!(Wanted::new("/a", "/static/"), None);
        let up = Wanted::new("/static/../a", "/static/").unwrap();
        assert_eq!(up.name(), "a");
    }

    #[test]
    fn folders_end_in_a_slash() {
        for (path, is_folder) in [("/", true), ("/a", false), ("/a/", true), ("/a/..", true)] {
            assert_eq!(Wanted::new(path, "/").unwrap().is_folder, is_folder);
        }
    }

    #[test]
    fn names_are_escaped() {
        assert_eq!(encode("a b:<ä>"), "a%20b%3A%3C%C3%A4%3E");
    }
}
