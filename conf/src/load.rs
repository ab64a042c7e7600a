//! The door: a path or a text in, a checked configuration out.

use std::path::Path;
use std::rc::Rc;

use crate::check::{Checked, Checker};
use crate::client::ClientConfig;
use crate::decode::{Decoder, Section};
use crate::error::{ConfigError, Problem, Warning};
use crate::extend::{self, Extensions};
use crate::includes::{self, Files};
use crate::reading::{Reading, Role, Strictness, of_process};
use crate::server::ServerConfig;
use crate::source::{self, Envs, Parsed, Text};
use crate::tree::{Node, Value};
use crate::types::Secret;

/// A checked configuration, and what was odd about the file.
#[derive(Debug, Clone)]
pub struct Loaded<T> {
    /// The configuration.
    pub config: T,
    /// In the order of the checks.
    pub warnings: Vec<Warning>,
    /// What is allowed and can do harm, such as a server that anybody may use.
    pub risks: Vec<Warning>,
    /// Whether the file is of the legacy format; see [`LEGACY_WARNING`].
    pub legacy: bool,
}

/// What upstream says of a file of the legacy format when it runs, but not when it verifies.
pub const LEGACY_WARNING: &str = "WARNING: ini format is deprecated and the support will be \
                                  removed in the future, please use yaml/json/toml format instead!";

/// Reads and checks the file of frps at `path`; `reading` is a [`Reading`] or a
/// [`Strictness`].
///
/// # Errors
///
/// [`ConfigError`] with every fault of the file.
pub fn load_server<'a>(
    path: &Path,
    reading: impl Into<Reading<'a>>,
) -> Result<Loaded<ServerConfig>, ConfigError> {
    let text = source::read(path)?;
    load(File::on_disk(
        &text,
        &path.display().to_string(),
        reading.into(),
    ))
}

/// Checks the text of a file of frps; `name` is its path, for errors. `reading` is as for
/// [`load_server`].
///
/// # Errors
///
/// [`ConfigError`] with every fault of the text.
pub fn parse_server<'a>(
    text: &str,
    name: &str,
    reading: impl Into<Reading<'a>>,
) -> Result<Loaded<ServerConfig>, ConfigError> {
    load(File::in_memory(text, name, reading.into()))
}

/// Reads and checks the file of frpc at `path`, as [`load_server`] does. A `transport.proxyURL`
/// that is not written is taken from the environment variable `http_proxy`.
///
/// # Errors
///
/// [`ConfigError`] with every fault of the file.
pub fn load_client<'a>(
    path: &Path,
    reading: impl Into<Reading<'a>>,
) -> Result<Loaded<ClientConfig>, ConfigError> {
    let text = source::read(path)?;
    let name = path.display().to_string();
    load(File::on_disk(&text, &name, reading.into())).map(with_proxy_of_environment)
}

/// Checks the text of a file of frpc; `name` is its path, for errors and for `store.path`, which
/// is relative to it. `reading` is as for [`load_server`].
///
/// # Errors
///
/// [`ConfigError`] with every fault of the text.
pub fn parse_client<'a>(
    text: &str,
    name: &str,
    reading: impl Into<Reading<'a>>,
) -> Result<Loaded<ClientConfig>, ConfigError> {
    load(File::in_memory(text, name, reading.into()))
}

/// Checks a configuration of frps that was given key by key, as by flags, instead of as a text.
/// Its keys are those of the file. `reading` is as for [`load_server`].
///
/// # Errors
///
/// [`ConfigError::Invalid`] with every fault.
pub fn check_server<'a>(
    keys: toml::Table,
    reading: impl Into<Reading<'a>>,
) -> Result<Loaded<ServerConfig>, ConfigError> {
    given(keys, reading.into())
}

/// [`check_server`] for frpc. A `transport.proxyURL` is found as by [`load_client`].
///
/// # Errors
///
/// [`ConfigError::Invalid`] with every fault.
pub fn check_client<'a>(
    keys: toml::Table,
    reading: impl Into<Reading<'a>>,
) -> Result<Loaded<ClientConfig>, ConfigError> {
    given(keys, reading.into()).map(with_proxy_of_environment)
}

fn with_proxy_of_environment(mut loaded: Loaded<ClientConfig>) -> Loaded<ClientConfig> {
    let proxy_url = &mut loaded.config.transport.proxy_url;
    if proxy_url.is_none() {
        // Lower case only, as upstream (pkg/config/v1/client.go).
        *proxy_url = std::env::var("http_proxy")
            .ok()
            .filter(|u| !u.is_empty())
            .map(Secret::new);
    }
    loaded
}

/// A file to be checked, and how.
struct File<'f> {
    text: &'f str,
    name: &'f str,
    strictness: Strictness,
    extensions: Extensions<'f>,
    envs: Envs,
    /// Whether `includes` are read.
    reads_includes: bool,
}

impl<'f> File<'f> {
    /// A file that was read, so that those which it includes can be read too.
    fn on_disk(text: &'f str, name: &'f str, reading: Reading<'f>) -> Self {
        let envs = reading.environment.cloned().unwrap_or_else(of_process);
        Self {
            envs: Rc::new(envs),
            reads_includes: true,
            ..Self::in_memory(text, name, reading)
        }
    }

    fn in_memory(text: &'f str, name: &'f str, reading: Reading<'f>) -> Self {
        Self {
            text,
            name,
            strictness: reading.strictness,
            extensions: reading.extensions,
            envs: Rc::new(reading.environment.cloned().unwrap_or_default()),
            reads_includes: false,
        }
    }

    const fn text(&self) -> Text<'_> {
        Text {
            text: self.text,
            name: self.name,
            envs: &self.envs,
        }
    }
}

fn load<T: Checked>(file: File<'_>) -> Result<Loaded<T>, ConfigError> {
    let parsed = source::parse(file.text(), T::ROLE, file.reads_includes)?;
    understand(&file, parsed)
}

fn given<T: Checked>(keys: toml::Table, reading: Reading<'_>) -> Result<Loaded<T>, ConfigError> {
    let name = "command line";
    let parsed = Parsed {
        tree: Node::of_keys(keys),
        legacy: false,
        files: Files::new(name, ""),
    };
    understand(&File::in_memory("", name, reading), parsed)
}

/// From a tree to its meaning, or to everything that is wrong with it.
fn understand<T: Checked>(file: &File<'_>, parsed: Parsed) -> Result<Loaded<T>, ConfigError> {
    let Parsed {
        mut tree,
        legacy,
        mut files,
    } = parsed;
    // The legacy format has no strict mode.
    let strictness = if legacy {
        Strictness::Lenient
    } else {
        file.strictness
    };
    let free = extend::take_tables(&mut tree, T::ROLE);
    if file.reads_includes && T::ROLE == Role::Client && !legacy {
        for (line, pattern) in patterns(&tree) {
            include::<T::Raw>(file, (line, &pattern), &mut tree, &mut files)?;
        }
    }
    let Decoded {
        raw,
        mut problems,
        mut warnings,
    } = decode::<T::Raw>(&tree, &files, strictness);
    let Some(raw) = raw else {
        return Err(ConfigError::Invalid { problems });
    };
    let mut checker = Checker::new(&files, file.reads_includes, &tree, file.extensions, free);
    let folder = Path::new(file.name).parent();
    let config = T::check(&mut checker, raw, folder.unwrap_or_else(|| Path::new("")));
    let follows = |found: &Problem| problems.iter().any(|p| p.may_be_why(found));
    let mut more = std::mem::take(&mut checker.problems);
    more.retain(|found| !follows(found));
    problems.append(&mut more);
    if !problems.is_empty() {
        return Err(ConfigError::Invalid { problems });
    }
    warnings.append(&mut checker.warnings);
    config.note_risks(&mut checker);
    Ok(Loaded {
        config,
        warnings,
        risks: checker.warnings,
        legacy,
    })
}

/// The entries of `includes`, with their lines.
fn patterns(tree: &Node) -> Vec<(u32, String)> {
    let Some(Value::Array(items)) = tree.child("includes").map(|node| &node.value) else {
        return Vec::new();
    };
    let items = items.iter();
    items
        .filter_map(|item| match &item.value {
            Value::String(pattern) => Some((item.line, pattern.clone())),
            _ => None,
        })
        .collect()
}

/// Adds the proxies and visitors of the files that `pattern` names. Each file must be right by
/// itself; what else it has is not used, and its own `includes` are not followed.
fn include<R: Section>(
    file: &File<'_>,
    (line, pattern): (u32, &str),
    tree: &mut Node,
    files: &mut Files,
) -> Result<(), ConfigError> {
    let found = includes::read(pattern).map_err(|fault| match fault {
        includes::Fault::File(error) => error,
        includes::Fault::Folder(folder, source) => ConfigError::IncludeFolder {
            file: file.name.to_owned(),
            line,
            folder,
            source,
        },
    })?;
    for included in found {
        let text = Text {
            text: &included.text,
            name: &included.name,
            envs: &file.envs,
        };
        let wrong = |source| ConfigError::Included {
            path: included.name.clone(),
            source: Box::new(source),
        };
        let mut more = source::parse_present(text).map_err(wrong)?;
        extend::take_tables(&mut more, Role::Client);
        let alone = Files::new(&included.name, &included.text);
        let problems = decode::<R>(&more, &alone, file.strictness).problems;
        if !problems.is_empty() {
            return Err(wrong(ConfigError::Invalid { problems }));
        }
        let base = files.add(&included.name, &included.text);
        more.map_lines(&|line| line.saturating_add(base));
        for list in ["proxies", "visitors"] {
            tree.append(list, &mut more);
        }
    }
    Ok(())
}

/// What could be read of a tree, and what was wrong or odd.
struct Decoded<R> {
    /// `None` if the tree is no table. What is wrong is as if it were not written.
    raw: Option<R>,
    problems: Vec<Problem>,
    warnings: Vec<Warning>,
}

fn decode<R: Section>(tree: &Node, files: &Files, strictness: Strictness) -> Decoded<R> {
    let mut decoder = Decoder::new("", strictness, R::keys);
    let raw = decoder.section::<R>(tree);
    let (mut problems, mut warnings) = (decoder.problems, decoder.warnings);
    problems.sort_by_cached_key(|problem| u64::from(problem.line));
    for problem in &mut problems {
        let (file, line) = files.place(problem.line);
        (problem.file, problem.line) = (file.to_owned(), line);
    }
    for warning in &mut warnings {
        let (file, line) = files.place(warning.line);
        (warning.file, warning.line) = (file.to_owned(), line);
    }
    Decoded {
        raw,
        problems,
        warnings,
    }
}

#[cfg(test)]
mod tests;
