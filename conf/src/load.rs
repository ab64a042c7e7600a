//! The door: a path or a text in, a checked configuration out.

use std::path::Path;
use std::rc::Rc;

use crate::check::{self, Checker};
use crate::client::ClientConfig;
use crate::decode::{Decoder, Section};
use crate::error::{ConfigError, Warning};
use crate::extend::{self, Extensions};
use crate::includes::{self, Files};
use crate::legacy::Role;
use crate::raw::client::RawClient;
use crate::raw::server::RawServer;
use crate::reading::{Reading, Strictness, of_process};
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
    /// Whether the file is of the legacy format; see [`LEGACY_WARNING`].
    pub legacy: bool,
}

/// What upstream says of a file of the legacy format when it runs, but not when it verifies.
pub const LEGACY_WARNING: &str = "WARNING: ini format is deprecated and the support will be \
                                  removed in the future, please use yaml/json/toml format instead!";

/// Reads and checks the file of frps at `path`; `reading` is a [`Reading`] or a
/// [`Strictness`](crate::Strictness).
///
/// # Errors
///
/// [`ConfigError`] with every fault of the file.
pub fn load_server<'a>(
    path: &Path,
    reading: impl Into<Reading<'a>>,
) -> Result<Loaded<ServerConfig>, ConfigError> {
    let text = source::read(path)?;
    server(File::on_disk(
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
    server(File::in_memory(text, name, reading.into()))
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
    let mut loaded = client(File::on_disk(
        &text,
        &path.display().to_string(),
        reading.into(),
    ))?;
    let proxy_url = &mut loaded.config.transport.proxy_url;
    if proxy_url.is_none() {
        // Lower case only, as upstream (pkg/config/v1/client.go).
        *proxy_url = std::env::var("http_proxy")
            .ok()
            .filter(|u| !u.is_empty())
            .map(Secret::new);
    }
    Ok(loaded)
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
    client(File::in_memory(text, name, reading.into()))
}

fn server(file: File<'_>) -> Result<Loaded<ServerConfig>, ConfigError> {
    load::<RawServer, _>(file, Role::Server, check::server)
}

fn client(file: File<'_>) -> Result<Loaded<ClientConfig>, ConfigError> {
    let folder = Path::new(file.name)
        .parent()
        .unwrap_or_else(|| Path::new(""));
    load::<RawClient, _>(file, Role::Client, |checker, raw| {
        check::client(checker, raw, folder)
    })
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

fn load<R: Section, T>(
    file: File<'_>,
    role: Role,
    check: impl FnOnce(&mut Checker<'_>, R) -> T,
) -> Result<Loaded<T>, ConfigError> {
    let parsed = source::parse(file.text(), role, file.reads_includes)?;
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
    let free = extend::take_tables(&mut tree);
    let (mut raw, mut warnings) = decode::<R>(&tree, &files, strictness)?;
    if file.reads_includes && role == Role::Client && !legacy {
        let patterns = patterns(&tree);
        for (line, pattern) in &patterns {
            include::<R>(&file, (*line, pattern), &mut tree, &mut files)?;
        }
        if !patterns.is_empty() {
            (raw, warnings) = decode::<R>(&tree, &files, strictness)?;
        }
    }
    let mut checker = Checker::new(&files, file.reads_includes, &tree, file.extensions, free);
    let config = check(&mut checker, raw);
    if !checker.problems.is_empty() {
        return Err(ConfigError::Invalid {
            problems: checker.problems,
        });
    }
    warnings.append(&mut checker.warnings);
    Ok(Loaded {
        config,
        warnings,
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
        extend::take_tables(&mut more);
        let alone = Files::new(&included.name, &included.text);
        decode::<R>(&more, &alone, file.strictness).map_err(wrong)?;
        let base = files.add(&included.name, &included.text);
        more.map_lines(&|line| line.saturating_add(base));
        for list in ["proxies", "visitors"] {
            tree.append(list, &mut more);
        }
    }
    Ok(())
}

fn decode<R: Section>(
    tree: &Node,
    files: &Files,
    strictness: Strictness,
) -> Result<(R, Vec<Warning>), ConfigError> {
    let mut decoder = Decoder::new("", strictness, R::keys);
    let raw = decoder.section::<R>(tree);
    let mut problems = decoder.problems;
    problems.sort_by_key(|problem| problem.line);
    for problem in &mut problems {
        let (file, line) = files.place(problem.line);
        (problem.file, problem.line) = (file.to_owned(), line);
    }
    for warning in &mut decoder.warnings {
        let (file, line) = files.place(warning.line);
        (warning.file, warning.line) = (file.to_owned(), line);
    }
    match raw {
        Some(raw) if problems.is_empty() => Ok((raw, decoder.warnings)),
        _ => Err(ConfigError::Invalid { problems }),
    }
}

#[cfg(test)]
mod tests;
