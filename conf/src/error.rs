//! What can be wrong with a configuration file, one line of text per fault.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a configuration could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// World: the file cannot be opened or read.
    #[error("open {}: {}; {}", path.display(), reason(source), remedy(source))]
    Open {
        /// The file as it was given.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Policy: the file is larger than a configuration can sensibly be.
    #[error(
        "{file}: the file is larger than {limit} bytes, the most that is read; is it the right file?"
    )]
    TooLarge {
        /// The file.
        file: String,
        /// The cap in bytes.
        limit: u64,
    },
    /// Bytes: not UTF-8.
    #[error("{file}:{line}: the text is not UTF-8; save the file as UTF-8")]
    NotText {
        /// The file.
        file: String,
        /// The first line that is not text.
        line: u32,
    },
    /// Bytes: not a template, or one that fails. The name of templates is upstream's.
    #[error("{file}:{line}: template: frp:{line}: {reason}")]
    Template {
        /// The file.
        file: String,
        /// The line.
        line: u32,
        /// What is wrong there.
        reason: String,
    },
    /// Policy: a file of the legacy format that cannot be meant.
    #[error("{file}:{line}: {reason}")]
    Legacy {
        /// The file.
        file: String,
        /// The line.
        line: u32,
        /// What is wrong there, in upstream's words.
        reason: String,
    },
    /// World: the folder of an entry of `includes` cannot be read.
    #[error(
        "{file}:{line}: stat {}: {}; correct includes, which are seen from the working directory",
        folder.display(), reason(source)
    )]
    IncludeFolder {
        /// The file that includes.
        file: String,
        /// The line.
        line: u32,
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Any: a file that is included cannot be used.
    #[error("load additional config from {path} error: {source}")]
    Included {
        /// The file.
        path: String,
        /// What is wrong with it.
        #[source]
        source: Box<Self>,
    },
    /// Bytes: not valid TOML, JSON or YAML.
    #[error("{file}:{line}: {format}: line {line}, column {column}: {message}")]
    Syntax {
        /// The file.
        file: String,
        /// What it was taken for.
        format: Format,
        /// The line.
        line: u32,
        /// The column, counted in characters from 1.
        column: usize,
        /// What the parser says.
        message: String,
    },
    /// Policy: well-formed, with keys or values that cannot be meant.
    #[error("{}", Lines(problems))]
    Invalid {
        /// Every fault of the file.
        problems: Vec<Problem>,
    },
}

/// A format of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// TOML.
    Toml,
    /// YAML.
    Yaml,
    /// JSON.
    Json,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Toml => "toml",
            Self::Yaml => "error converting YAML to JSON: yaml",
            Self::Json => "json",
        })
    }
}

/// One fault and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The line, from 1; of the enclosing table when something is missing.
    pub line: u32,
    /// The key, such as `proxies[0].localPort`; of what is missing, where it would stand.
    pub key: String,
    /// The entry that the fault belongs to.
    pub entry: Entry,
    /// The fault.
    pub fault: Fault,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            entry,
            fault,
            key: _,
        } = self;
        write!(f, "{file}:{line}: {entry}{fault}")
    }
}

impl Problem {
    /// Whether `other`, which was found later, may have come about only by this one: it is about
    /// the same key or one inside it, or about the same entry of a list.
    pub(crate) fn may_be_why(&self, other: &Self) -> bool {
        let within = |inner: &str, outer: &str| {
            inner
                .strip_prefix(outer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let entry = self.key.split_once(']').map_or("", |(list, _)| list);
        let same_entry =
            !entry.is_empty() && other.key.split_once(']').map(|(l, _)| l) == Some(entry);
        same_entry || within(&other.key, &self.key) || within(&self.key, &other.key)
    }
}

/// The entry that a fault belongs to, written before it as upstream does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Entry {
    /// None: a key of the program itself.
    #[default]
    Common,
    /// A proxy that could not be decoded.
    ProxyAt(usize),
    /// A visitor that could not be decoded.
    VisitorAt(usize),
    /// A proxy with a value that cannot be meant.
    Proxy(String),
    /// A visitor with a value that cannot be meant.
    Visitor(String),
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Common => Ok(()),
            Self::ProxyAt(index) => write!(f, "decode proxy at index {index}: "),
            Self::VisitorAt(index) => write!(f, "decode visitor at index {index}: "),
            Self::Proxy(name) => write!(f, "proxy {name}: "),
            Self::Visitor(name) => write!(f, "visitor {name}: "),
        }
    }
}

/// What is wrong. `gist` is the part that operators of upstream know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A key that does not exist.
    #[error("unknown field {key:?}: there is no key {path}; {remedy}")]
    UnknownKey {
        /// The key as written.
        key: String,
        /// Where it stands.
        path: String,
        /// What to write instead.
        remedy: String,
    },
    /// A value of another type than the key has.
    #[error("field {path:?}: cannot unmarshal {kind} into {wanted}{shown}; {remedy}")]
    WrongType {
        /// The key.
        path: String,
        /// The kind of value that was found, in upstream's words.
        kind: String,
        /// The value in brackets, empty for secrets and for what is long.
        shown: String,
        /// The type in upstream's words.
        wanted: &'static str,
        /// What to write instead.
        remedy: String,
    },
    /// A value of the right type that is not allowed.
    #[error("{gist} (found {found} at {path}); {remedy}")]
    BadValue {
        /// Upstream's text.
        gist: String,
        /// The key.
        path: String,
        /// The value.
        found: String,
        /// What to write instead.
        remedy: String,
    },
    /// A port outside of 0..65535.
    #[error("{name}: port number {found} must be in the range 0..65535; change {path}")]
    Port {
        /// The key in upstream's words.
        name: &'static str,
        /// The key.
        path: String,
        /// The value.
        found: i64,
    },
    /// A key that must be set.
    #[error("{gist}; set {path}")]
    Missing {
        /// Upstream's text.
        gist: String,
        /// The key.
        path: String,
    },
    /// Two settings that exclude each other.
    #[error("{gist}; {remedy}")]
    Conflict {
        /// Upstream's text.
        gist: String,
        /// What to change.
        remedy: String,
    },
    /// Two entries with one name.
    #[error(
        "{what} name [{name}] is duplicated; it is used in line {first}{elsewhere} already, give one of the two another name"
    )]
    Duplicate {
        /// `proxy` or `visitor`.
        what: &'static str,
        /// The name.
        name: String,
        /// The line of the first entry.
        first: u32,
        /// ` of ` and its file, if that is another one.
        elsewhere: String,
    },
    /// A setting that this build cannot follow.
    #[error("{path} is not supported by this build; {remedy}")]
    Unsupported {
        /// The key.
        path: String,
        /// What to do instead.
        remedy: String,
    },
}

impl Fault {
    /// The value that was found, where it can be shown.
    #[must_use]
    pub fn found(&self) -> Option<String> {
        match self {
            Self::UnknownKey { key, .. } => Some(key.clone()),
            Self::WrongType { kind, .. } => Some(kind.clone()),
            Self::BadValue { found, .. } => Some(found.clone()),
            Self::Port { found, .. } => Some(found.to_string()),
            Self::Duplicate { name, .. } => Some(name.clone()),
            Self::Missing { .. } | Self::Conflict { .. } | Self::Unsupported { .. } => None,
        }
    }

    /// What is allowed or to be done.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::UnknownKey { remedy, .. }
            | Self::WrongType { remedy, .. }
            | Self::BadValue { remedy, .. }
            | Self::Conflict { remedy, .. }
            | Self::Unsupported { remedy, .. } => remedy.clone(),
            Self::Port { .. } => "write a number from 0 to 65535".to_owned(),
            Self::Missing { path, .. } => format!("set {path}"),
            Self::Duplicate { .. } => "give one of the two another name".to_owned(),
        }
    }

    /// Calls the key by another name, such as that of a flag.
    pub fn rename(&mut self, name: &str) {
        match self {
            Self::UnknownKey { path, .. }
            | Self::WrongType { path, .. }
            | Self::BadValue { path, .. }
            | Self::Port { path, .. }
            | Self::Missing { path, .. }
            | Self::Unsupported { path, .. } => name.clone_into(path),
            Self::Conflict { .. } | Self::Duplicate { .. } => {}
        }
    }
}

/// Something odd that is accepted all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The key.
    pub key: String,
    /// The sentence, without the file and the line.
    pub text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}:{})", self.text, self.file, self.line)
    }
}

/// Writes problems one per line.
struct Lines<'a>(&'a [Problem]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{problem}")?;
        }
        Ok(())
    }
}

/// The system's reason in the words that operators grep for, the same on every system.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "is a directory".to_owned(),
        _ => error.to_string(),
    }
}

/// What the operator can do about it.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "let the user of this program read the file",
        _ => "name an existing file with -c",
    }
}
