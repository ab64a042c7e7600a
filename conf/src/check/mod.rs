//! From raw to checked: defaults, ranges, contradictions; all faults in upstream's order.

mod annotations;
mod auto;
mod client;
mod common;
mod oidc;
mod parts;
mod plugin;
mod proxy;
mod risks;
mod server;
mod servers;
mod visitor;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use client::client;
use server::server;

use crate::client::ClientConfig;
use crate::decode::Section;
use crate::error::{Entry, Fault, Problem, Warning};
use crate::extend::{Extensions, FreeTables};
use crate::includes::Files;
use crate::raw::client::RawClient;
use crate::raw::server::RawServer;
use crate::reading::Role;
use crate::server::ServerConfig;
use crate::suggest;
use crate::tree::Node;
use crate::types::{IdentityFiles, LONGEST, Port};

/// The checked form of a program's file.
pub(crate) trait Checked: Sized {
    /// Its form as written.
    type Raw: Section;
    /// Whose file it is.
    const ROLE: Role;
    /// Gives the file in `folder` its meaning; what is wrong is noted.
    fn check(checker: &mut Checker<'_>, raw: Self::Raw, folder: &Path) -> Self;
    /// Notes as warnings what is allowed and can do harm.
    fn note_risks(&self, checker: &mut Checker<'_>);
}

impl Checked for ServerConfig {
    type Raw = RawServer;
    const ROLE: Role = Role::Server;

    fn check(checker: &mut Checker<'_>, raw: RawServer, _: &Path) -> Self {
        let config = server(checker, raw);
        checker.server_parts(&config);
        config
    }

    fn note_risks(&self, checker: &mut Checker<'_>) {
        checker.server_risks(self);
    }
}

impl Checked for ClientConfig {
    type Raw = RawClient;
    const ROLE: Role = Role::Client;

    fn check(checker: &mut Checker<'_>, raw: RawClient, folder: &Path) -> Self {
        let config = client(checker, raw, folder);
        checker.client_parts(&config);
        config
    }

    fn note_risks(&self, checker: &mut Checker<'_>) {
        checker.client_risks(self);
    }
}

/// Checks one file. A method that finds a fault notes it and goes on with a stand-in, which no
/// caller ever sees because a file with faults has no checked form.
#[derive(Debug)]
pub(crate) struct Checker<'f> {
    files: &'f Files,
    tree: &'f Node,
    /// Whether `includes` were read already.
    reads_includes: bool,
    entry: Entry,
    pub(crate) extensions: Extensions<'f>,
    pub(crate) free: FreeTables,
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<Warning>,
}

impl<'f> Checker<'f> {
    /// Starts on `files`, parsed to `tree`, without the tables in `free`.
    pub(crate) const fn new(
        files: &'f Files,
        reads_includes: bool,
        tree: &'f Node,
        extensions: Extensions<'f>,
        free: FreeTables,
    ) -> Self {
        Self {
            files,
            tree,
            reads_includes,
            entry: Entry::Common,
            extensions,
            free,
            problems: vec![],
            warnings: vec![],
        }
    }

    pub(crate) fn fault(&mut self, path: &str, fault: Fault) {
        let (file, line) = self.files.place(self.tree.line_of(path));
        let entry = self.entry.clone();
        self.problems.push(Problem {
            file: file.to_owned(),
            line,
            key: path.to_owned(),
            entry,
            fault,
        });
    }

    fn warn(&mut self, path: &str, text: impl Into<String>) {
        let (file, line) = self.files.place(self.tree.line_of(path));
        self.warnings.push(Warning {
            file: file.to_owned(),
            line,
            key: path.to_owned(),
            text: text.into(),
        });
    }

    pub(crate) fn bad(
        &mut self,
        path: &str,
        found: &str,
        gist: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let fault = Fault::BadValue {
            gist: gist.into(),
            path: path.to_owned(),
            found: format!("{found:?}"),
            remedy: remedy.into(),
        };
        self.fault(path, fault);
    }

    fn missing(&mut self, path: &str, gist: impl Into<String>) {
        self.fault(
            path,
            Fault::Missing {
                gist: gist.into(),
                path: path.to_owned(),
            },
        );
    }

    fn conflict(&mut self, path: &str, gist: impl Into<String>, remedy: impl Into<String>) {
        self.fault(
            path,
            Fault::Conflict {
                gist: gist.into(),
                remedy: remedy.into(),
            },
        );
    }

    /// The choice named by `found`; a word that is none of `choices` is a fault.
    fn choice<T: Copy + Default>(
        &mut self,
        path: &str,
        found: &str,
        gist: &str,
        choices: &[(&str, T)],
    ) -> T {
        if let Some((_, choice)) = choices.iter().find(|(word, _)| *word == found) {
            return *choice;
        }
        let words: Vec<&str> = choices
            .iter()
            .map(|(word, _)| *word)
            .filter(|word| !word.is_empty())
            .collect();
        let remedy = match suggest::nearest(found, &words) {
            Some(word) => format!("did you mean {word:?}?"),
            None => format!("write one of {}", words.join(", ")),
        };
        self.bad(path, found, gist, remedy);
        T::default()
    }

    /// A port in 0..65535; `name` is the key in upstream's words.
    fn port(&mut self, path: &str, name: &'static str, found: i64) -> u16 {
        u16::try_from(found).unwrap_or_else(|_| {
            self.fault(
                path,
                Fault::Port {
                    name,
                    path: path.to_owned(),
                    found,
                },
            );
            0
        })
    }

    /// A port that is off when it is 0.
    fn optional_port(&mut self, path: &str, name: &'static str, found: i64) -> Option<Port> {
        Port::new(self.port(path, name, found))
    }

    /// A time that must be above 0; 0 is `default`.
    fn positive_seconds(&mut self, path: &str, found: i64, default: u64) -> Duration {
        if found < 0 {
            self.bad(
                path,
                &found.to_string(),
                format!("invalid {path}, it must not be negative"),
                format!("write seconds above 0, or 0 for the default of {default}"),
            );
        }
        seconds(found, default).unwrap_or(LONGEST)
    }

    /// A size in bytes that must be above 0; 0 is upstream's 1500.
    fn udp_packet_size(&mut self, found: i64) -> usize {
        /// UDP cannot carry more (RFC 768).
        const MOST: usize = 65_535;
        match found {
            0 => 1500,
            1.. => usize::try_from(found).unwrap_or(MOST).min(MOST),
            _ => {
                let gist = "invalid udpPacketSize, it must not be negative";
                let remedy = "write bytes above 0, or 0 for the default of 1500";
                self.bad("udpPacketSize", &found.to_string(), gist, remedy);
                0
            }
        }
    }

    /// A certificate and its key; one without the other counts for nothing upstream, which is
    /// kept and warned about.
    fn identity(
        &mut self,
        at: &str,
        keys: (&str, &str),
        files: (&str, &str),
    ) -> Option<IdentityFiles> {
        match files {
            ("", "") => None,
            (cert, key) if !cert.is_empty() && !key.is_empty() => Some(IdentityFiles {
                cert: cert.into(),
                key: key.into(),
            }),
            (cert, _) => {
                let (set, unset) = if cert.is_empty() {
                    (keys.1, keys.0)
                } else {
                    keys
                };
                let text = format!("{at}.{set} is ignored because {at}.{unset} is not set");
                self.warn(&format!("{at}.{set}"), text);
                None
            }
        }
    }
}

/// `found` seconds; 0 is `default`, negative is `None`.
fn seconds(found: i64, default: u64) -> Option<Duration> {
    let found = if found == 0 {
        default
    } else {
        u64::try_from(found).ok()?
    };
    Some(Duration::from_secs(found).min(LONGEST))
}

/// `found`, or `default` if it is 0; negative counts as 0, and more than 32 bits as the most.
fn count(found: i64, default: u32) -> u32 {
    match found {
        0 => default,
        1.. => u32::try_from(found).unwrap_or(u32::MAX),
        _ => 0,
    }
}

/// `found`, or `default` if it is empty.
fn text(found: String, default: &str) -> String {
    if found.is_empty() {
        default.to_owned()
    } else {
        found
    }
}

/// A text that is off when it is empty.
fn optional(found: String) -> Option<String> {
    (!found.is_empty()).then_some(found)
}

/// A path that is off when it is empty.
fn path(found: String) -> Option<PathBuf> {
    optional(found).map(PathBuf::from)
}
