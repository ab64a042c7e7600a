//! From a file to one tree of values; the only module that knows file formats.

mod json;
#[cfg_attr(not(feature = "formats"), path = "absent/yaml.rs")]
mod yaml;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;

use toml::de::{DeTable, DeValue};

use crate::error::{ConfigError, Format};
use crate::includes::{self, Files};
use crate::legacy;
use crate::reading::Role;
use crate::template::{self, Functions, Rendered};
use crate::tree::{self, Node, Value};

/// The largest file that is read: room for tens of thousands of proxies, and far from what
/// would hurt when somebody names a log file or a device.
pub(crate) const FILE_LIMIT: u64 = 16 * 1024 * 1024;

/// Reads the text of `path`.
pub(crate) fn read(path: &Path) -> Result<String, ConfigError> {
    let open = |source| ConfigError::Open {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(open)?;
    file.take(FILE_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(open)?;
    let name = path.display().to_string();
    if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_LIMIT) {
        return Err(ConfigError::TooLarge {
            file: name,
            limit: FILE_LIMIT,
        });
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = error
            .as_bytes()
            .iter()
            .take(good)
            .filter(|b| **b == b'\n')
            .count();
        ConfigError::NotText {
            file: name,
            line: number(before + 1),
        }
    })
}

/// The environment that templates see.
pub(crate) type Envs = Rc<BTreeMap<String, String>>;

/// A file as a tree.
#[derive(Debug)]
pub(crate) struct Parsed {
    /// The tree; its lines are numbered through `files`.
    pub tree: Node,
    /// Whether the file is of the legacy format.
    pub legacy: bool,
    /// The file, and in the legacy format those that it includes.
    pub files: Files,
}

/// A text to be parsed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'t> {
    /// The text.
    pub text: &'t str,
    /// Its path, for errors; its extension may tell the format that was meant.
    pub name: &'t str,
    /// The environment for its templates.
    pub envs: &'t Envs,
}

/// Expands the template that a text is and parses what comes out. Lines are those of the text.
/// `reads_includes`: read the files that a legacy file includes.
pub(crate) fn parse(
    text: Text<'_>,
    role: Role,
    reads_includes: bool,
) -> Result<Parsed, ConfigError> {
    let mut files = Files::new(text.name, text.text);
    // Upstream takes any text that can be read as the legacy format for it, TOML or not.
    let legacy = legacy::is_legacy(text.text);
    let tree = if legacy {
        legacy_tree(text, role, reads_includes, &mut files)?
    } else {
        parse_present(text)?
    };
    Ok(Parsed {
        tree,
        legacy,
        files,
    })
}

/// [`parse`] for a text that is not of the legacy format.
pub(crate) fn parse_present(text: Text<'_>) -> Result<Node, ConfigError> {
    let rendered = render(text, Functions::All)?;
    let mut tree = parse_plain(&rendered.text, text.name)?;
    tree.map_lines(&|line| rendered.origin(line));
    Ok(tree)
}

/// A legacy file and what it includes: the texts behind each other are one text.
fn legacy_tree(
    text: Text<'_>,
    role: Role,
    reads_includes: bool,
    files: &mut Files,
) -> Result<Node, ConfigError> {
    let main = render(text, Functions::Language)?;
    let mut lines = main.line_numbers(0);
    let mut more = String::new();
    for (line, pattern) in legacy::includes(&main.text) {
        if role == Role::Server || !reads_includes {
            break;
        }
        let found = includes::read(&pattern).map_err(|fault| match fault {
            includes::Fault::File(error) => error,
            includes::Fault::Folder(..) => ConfigError::Legacy {
                file: text.name.to_owned(),
                line: main.origin(line),
                reason: format!("parse config error: include: directory of {pattern} not exist"),
            },
        })?;
        for file in &found {
            let rendered = render(
                Text {
                    text: &file.text,
                    name: &file.name,
                    envs: text.envs,
                },
                Functions::Language,
            )?;
            let base = files.add(&file.name, &file.text);
            lines.extend(rendered.line_numbers(base));
            more.push_str(&rendered.text);
            more.push('\n');
        }
    }
    let origin = |line: u32| {
        let index = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
        lines.get(index).copied().unwrap_or(line)
    };
    let mut tree = legacy::parse(&main.text, &more, role).map_err(|failed| {
        let (file, line) = files.place(origin(failed.line));
        ConfigError::Legacy {
            file: file.to_owned(),
            line,
            reason: failed.reason,
        }
    })?;
    tree.map_lines(&origin);
    Ok(tree)
}

fn render(text: Text<'_>, functions: Functions) -> Result<Rendered, ConfigError> {
    template::render(text.text, functions, text.envs).map_err(|failed| ConfigError::Template {
        file: text.name.to_owned(),
        line: failed.line,
        reason: failed.reason,
    })
}

/// Lists and tables inside each other in JSON and YAML: far deeper than the schema, far less than
/// the stack.
const MOST_DEPTH: usize = 128;

/// What a parser says of a text.
#[derive(Debug)]
struct TextError {
    line: u32,
    column: usize,
    message: String,
}

impl TextError {
    fn of(self, format: Format, name: &str) -> ConfigError {
        ConfigError::Syntax {
            file: name.to_owned(),
            format,
            line: self.line,
            column: self.column,
            message: self.message,
        }
    }
}

/// Takes a text for what it is, not for what its name says: TOML if it is that, JSON if it begins
/// with a brace, else YAML. A text that is none of them and does not look like YAML was meant to
/// be TOML.
fn parse_plain(text: &str, name: &str) -> Result<Node, ConfigError> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let fault = match toml(text) {
        Ok(node) => return Ok(node),
        Err(fault) => fault,
    };
    let extension = Path::new(name).extension().and_then(|e| e.to_str());
    if extension == Some("toml") {
        return Err(fault.of(Format::Toml, name));
    }
    if text.trim_start().starts_with('{') {
        return json::parse(text).map_err(|fault| fault.of(Format::Json, name));
    }
    let meant = matches!(extension, Some("yaml" | "yml")) || looks_like_yaml(text);
    match yaml::parse(text) {
        Ok(node) if meant || matches!(node.value, Value::Table(_)) => Ok(node),
        Err(fault) if meant => Err(fault.of(Format::Yaml, name)),
        _ => Err(fault.of(Format::Toml, name)),
    }
}

/// Reads JSON text that is no configuration file; what is wrong with it is told without a file.
pub(crate) fn parse_json(text: &str) -> Result<Node, String> {
    json::parse(text).map_err(|fault| fault.message)
}

fn toml(text: &str) -> Result<Node, TextError> {
    let places = Places::new(text);
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        TextError {
            line: places.line(at),
            column: places.column(at),
            message: error.message().replace('\n', "; "),
        }
    })?;
    Ok(Node {
        line: 1,
        value: places.table(table.get_ref()),
    })
}

/// Whether the first line that is no comment has a key and a colon, or is an item.
fn looks_like_yaml(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    let Some(first) = first else {
        return false;
    };
    let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let rest = first.trim_start_matches(is_key);
    let yaml_key = rest.len() < first.len() && (rest == ":" || rest.starts_with(": "));
    yaml_key || first.starts_with("- ") || first == "---"
}

/// Entries as a table; null is as if it were not written.
fn table(entries: BTreeMap<String, Option<Node>>) -> Value {
    let entries = entries.into_iter();
    Value::Table(
        entries
            .filter_map(|(key, node)| Some((key, node?)))
            .collect(),
    )
}

fn newlines(text: &str) -> u32 {
    number(text.bytes().filter(|b| *b == b'\n').count())
}

fn number(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}

/// Turns byte offsets into lines, and the parser's values into ours.
struct Places<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Places<'t> {
    fn new(text: &'t str) -> Self {
        let after = text
            .bytes()
            .enumerate()
            .filter(|(_, b)| *b == b'\n')
            .map(|(at, _)| at + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(after).collect(),
        }
    }

    fn line(&self, offset: usize) -> u32 {
        number(self.starts.partition_point(|start| *start <= offset))
    }

    fn column(&self, offset: usize) -> usize {
        let start = self
            .starts
            .iter()
            .rev()
            .find(|start| **start <= offset)
            .copied()
            .unwrap_or(0);
        self.text
            .get(start..offset)
            .map_or(1, |before| before.chars().count() + 1)
    }

    fn table(&self, table: &DeTable<'_>) -> Value {
        let mut entries: Vec<(String, Node)> = table
            .iter()
            .map(|(key, value)| {
                let line = self.line(key.span().start);
                (key.get_ref().to_string(), self.node(line, value.get_ref()))
            })
            .collect();
        tree::sort(&mut entries);
        Value::Table(entries)
    }

    fn node(&self, line: u32, value: &DeValue<'_>) -> Node {
        let value = match value {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Integer(number) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => Value::Int(number),
                    Err(_) => Value::Huge(number.to_string()),
                }
            }
            DeValue::Float(number) => match number.as_str().parse() {
                Ok(number) => Value::Float(number),
                Err(_) => Value::Huge(number.to_string()),
            },
            DeValue::Boolean(flag) => Value::Bool(*flag),
            // Upstream turns TOML into JSON first, where a date is a text.
            DeValue::Datetime(date) => Value::String(date.to_string()),
            DeValue::Array(items) => Value::Array(
                items
                    .iter()
                    .map(|item| self.node(self.line(item.span().start), item.get_ref()))
                    .collect(),
            ),
            DeValue::Table(table) => self.table(table),
        };
        Node { line, value }
    }
}

#[cfg(test)]
mod tests;
