//! Puts values of the legacy format where the present one has them.

use super::ini::{Entry, Section};
use crate::template::whole_number;
use crate::tree::{Node, Value};

/// How a value is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text.
    Text,
    /// A whole number.
    Int,
    /// A truth value.
    Flag,
    /// Texts with commas between.
    List,
}

/// A key of the legacy format, where it belongs, and how it is read.
pub(super) type Row = (&'static str, &'static str, Kind);

/// A table that grows by paths.
#[derive(Debug)]
pub(super) struct Table(Node);

impl Table {
    /// An empty table that stands in `line`.
    pub(super) const fn new(line: u32) -> Self {
        Self(Node {
            line,
            value: Value::Table(Vec::new()),
        })
    }

    /// Puts `value` at `path`, such as `transport.tls.enable`.
    pub(super) fn put(&mut self, path: &str, line: u32, value: Value) {
        put(&mut self.0, path.split('.'), Node { line, value });
    }

    /// Puts the free key `key` into the table at `path`.
    fn put_free(&mut self, path: &str, key: &str, line: u32, value: Value) {
        let steps = path.split('.').chain([key]);
        put(&mut self.0, steps, Node { line, value });
    }

    /// Puts what `section` has of `rows`.
    pub(super) fn rows(&mut self, section: &Section, rows: &[Row]) {
        for (key, path, kind) in rows {
            if let Some(entry) = section.entry(key)
                && let Some(value) = value(entry, *kind)
            {
                self.put(path, entry.line, value);
            }
        }
    }

    /// Puts every key that begins with `prefix` into the table at `path`.
    pub(super) fn prefixed(&mut self, section: &Section, prefix: &str, path: &str) {
        for Entry { key, value, line } in &section.keys {
            if let Some(key) = key.strip_prefix(prefix) {
                self.put_free(path, key, *line, Value::String(value.clone()));
            }
        }
    }

    /// The tree.
    pub(super) fn done(mut self) -> Node {
        sort(&mut self.0);
        self.0
    }
}

fn put<'s>(node: &mut Node, mut steps: impl Iterator<Item = &'s str>, leaf: Node) {
    let Some(step) = steps.next() else {
        *node = leaf;
        return;
    };
    let mut place = node;
    let mut step = step.to_owned();
    loop {
        if !matches!(place.value, Value::Table(_)) {
            place.value = Value::Table(Vec::new());
        }
        let Value::Table(entries) = &mut place.value else {
            return;
        };
        let at = entries
            .iter()
            .position(|(key, _)| *key == step)
            .unwrap_or_else(|| {
                let inner = Node {
                    line: leaf.line,
                    value: Value::Table(Vec::new()),
                };
                entries.push((step, inner));
                entries.len() - 1
            });
        let Some((_, inner)) = entries.get_mut(at) else {
            return;
        };
        place = inner;
        match steps.next() {
            Some(next) => step = next.to_owned(),
            None => break,
        }
    }
    *place = leaf;
}

/// Tables are sorted by key.
fn sort(node: &mut Node) {
    match &mut node.value {
        Value::Table(entries) => {
            crate::tree::sort(entries);
            entries.iter_mut().for_each(|(_, entry)| sort(entry));
        }
        Value::Array(items) => items.iter_mut().for_each(sort),
        _ => {}
    }
}

/// A value; one that cannot be read is as if it were not written, and so is an empty one.
fn value(entry: &Entry, kind: Kind) -> Option<Value> {
    let text = entry.value.as_str();
    if text.is_empty() {
        return None;
    }
    match kind {
        Kind::Text => Some(Value::String(text.to_owned())),
        Kind::Int => whole_number(text).map(Value::Int),
        Kind::Flag => flag(text).map(Value::Bool),
        Kind::List => Some(Value::Array(list(text, entry.line))),
    }
}

/// A truth value in one of the words that upstream's reader knows.
pub(super) fn flag(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" | "YES" | "yes" | "Yes" | "y" | "ON" | "on"
        | "On" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" | "NO" | "no" | "No" | "n" | "OFF"
        | "off" | "Off" => Some(false),
        _ => None,
    }
}

/// The texts between commas.
fn list(text: &str, line: u32) -> Vec<Node> {
    let text_node = |word: &str| Node {
        line,
        value: Value::String(word.to_owned()),
    };
    words(text).map(text_node).collect()
}

/// The words between commas; nothing follows the last comma.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.strip_suffix(',')
        .unwrap_or(text)
        .split(',')
        .map(str::trim)
}
