//! YAML text to the tree, with lines: what upstream's reader makes of it (YAML 1.1 words for
//! truth values, `<<`, aliases).

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Tag};

use super::{MOST_DEPTH, TextError, number, table};
use crate::template::whole_number;
use crate::tree::{Node, Value};

/// The values that aliases may add: far more than real files do, little memory.
const MOST_ALIASED: usize = 200_000;

/// A value; `None` is null.
type Item = Option<Node>;

/// A list or a table that is being read.
struct Open {
    anchor: usize,
    line: u32,
    kind: Kind,
}

enum Kind {
    List(Vec<Node>),
    Table {
        entries: BTreeMap<String, Item>,
        merged: Vec<Node>,
        key: Option<(Key, u32)>,
    },
}

enum Key {
    Named(String),
    Merge,
}

/// Reads the first document of `text`. At the top, keys that begin with a dot are gone: they hold
/// anchors.
pub(super) fn parse(text: &str) -> Result<Node, TextError> {
    let mut reader = Reader {
        open: Vec::new(),
        anchors: BTreeMap::new(),
        aliased: 0,
    };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| scan_error(&error))?;
        let line = number(span.start.line());
        if matches!(event, Event::DocumentEnd | Event::StreamEnd) {
            break;
        }
        let done = reader.event(event, line).map_err(|message| TextError {
            line,
            column: span.start.col() + 1,
            message: message.to_owned(),
        })?;
        if let Some(top) = done {
            return Ok(without_stores(top));
        }
    }
    Ok(without_stores(None))
}

fn scan_error(error: &ScanError) -> TextError {
    let at = error.marker();
    TextError {
        line: number(at.line()),
        column: at.col() + 1,
        message: error.info().replace('\n', "; "),
    }
}

fn without_stores(top: Item) -> Node {
    let mut top = top.unwrap_or_else(|| Node {
        line: 1,
        value: Value::Table(Vec::new()),
    });
    if let Value::Table(entries) = &mut top.value {
        entries.retain(|(key, _)| !key.starts_with('.'));
    }
    top
}

struct Reader {
    open: Vec<Open>,
    /// Values with an anchor, and how many values each holds.
    anchors: BTreeMap<usize, (Item, usize)>,
    aliased: usize,
}

impl Reader {
    /// Takes one event; the whole document when it is complete.
    fn event(&mut self, event: Event<'_>, line: u32) -> Result<Option<Item>, &'static str> {
        let (item, anchor, line) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                if self.takes_key(&text, style, line) {
                    if anchor > 0 {
                        let value = Value::String(text.into_owned());
                        self.anchors.insert(anchor, (Some(Node { line, value }), 1));
                    }
                    return Ok(None);
                }
                let value = scalar(&text, style, tag.as_deref());
                (value.map(|value| Node { line, value }), anchor, line)
            }
            Event::Alias(id) => {
                let (item, size) = self.anchors.get(&id).ok_or("unknown anchor")?;
                self.aliased += size;
                if self.aliased > MOST_ALIASED {
                    return Err("document contains excessive aliasing");
                }
                let item = item.clone();
                if let Some(Node {
                    value: Value::String(text),
                    ..
                }) = &item
                    && self.takes_key(text, ScalarStyle::DoubleQuoted, line)
                {
                    return Ok(None);
                }
                (item, 0, line)
            }
            Event::SequenceStart(anchor, _) => {
                self.begin(anchor, line, Kind::List(Vec::new()))?;
                return Ok(None);
            }
            Event::MappingStart(anchor, _) => {
                let (entries, merged) = (BTreeMap::new(), Vec::new());
                self.begin(
                    anchor,
                    line,
                    Kind::Table {
                        entries,
                        merged,
                        key: None,
                    },
                )?;
                return Ok(None);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let open = self.open.pop().ok_or("unexpected end")?;
                let (anchor, line) = (open.anchor, open.line);
                (
                    Some(Node {
                        line,
                        value: close(open.kind),
                    }),
                    anchor,
                    line,
                )
            }
            _ => return Ok(None),
        };
        if anchor > 0 {
            let size = item.as_ref().map_or(1, size);
            self.anchors.insert(anchor, (item.clone(), size));
        }
        self.add(item, line)
    }

    fn begin(&mut self, anchor: usize, line: u32, kind: Kind) -> Result<(), &'static str> {
        if let Some(Open {
            kind: Kind::Table { key: None, .. },
            ..
        }) = self.open.last()
        {
            return Err("a key must be a text");
        }
        if self.open.len() >= MOST_DEPTH {
            return Err("exceeded max depth");
        }
        self.open.push(Open { anchor, line, kind });
        Ok(())
    }

    /// Takes a scalar as a key, if a key is due.
    fn takes_key(&mut self, text: &str, style: ScalarStyle, line: u32) -> bool {
        let Some(Open {
            kind: Kind::Table {
                key: key @ None, ..
            },
            ..
        }) = self.open.last_mut()
        else {
            return false;
        };
        let merges = text == "<<" && style == ScalarStyle::Plain;
        let name = if merges {
            Key::Merge
        } else {
            Key::Named(text.to_owned())
        };
        *key = Some((name, line));
        true
    }

    /// Puts a complete value where it belongs.
    fn add(&mut self, item: Item, line: u32) -> Result<Option<Item>, &'static str> {
        let Some(open) = self.open.last_mut() else {
            return Ok(Some(item));
        };
        match &mut open.kind {
            Kind::List(items) => items.extend(item.map(|node| Node { line, ..node })),
            Kind::Table {
                entries,
                merged,
                key,
            } => match key.take() {
                Some((Key::Named(name), line)) => {
                    entries.insert(name, item.map(|node| Node { line, ..node }));
                }
                Some((Key::Merge, _)) => merged.extend(tables(item)?),
                None => return Err("a key must be a text"),
            },
        }
        Ok(None)
    }
}

/// The tables that `<<` names.
fn tables(item: Item) -> Result<Vec<Node>, &'static str> {
    let fault = "map merge requires map or sequence of maps as the value";
    let node = item.ok_or(fault)?;
    let all = match node.value {
        Value::Array(items) => items,
        value => vec![Node { value, ..node }],
    };
    if all.iter().all(|node| matches!(node.value, Value::Table(_))) {
        Ok(all)
    } else {
        Err(fault)
    }
}

/// A list or table that is complete; keys of its own win over merged ones.
fn close(kind: Kind) -> Value {
    let (mut entries, merged) = match kind {
        Kind::List(items) => return Value::Array(items),
        Kind::Table {
            entries, merged, ..
        } => (entries, merged),
    };
    for node in merged {
        if let Value::Table(inner) = node.value {
            for (key, node) in inner {
                entries.entry(key).or_insert(Some(node));
            }
        }
    }
    table(entries)
}

fn size(node: &Node) -> usize {
    1 + match &node.value {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Table(entries) => entries.iter().map(|(_, entry)| size(entry)).sum(),
        _ => 0,
    }
}

/// What a scalar is; `None` for null. Quotes and the tag `!!str` make it a text.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Option<Value> {
    let other_type = tag.is_some_and(|tag| {
        !(tag.is_yaml_core_schema()
            && matches!(tag.suffix.as_str(), "int" | "float" | "bool" | "null"))
    });
    if style != ScalarStyle::Plain || other_type {
        return Some(Value::String(text.to_owned()));
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return None,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Some(Value::Bool(true));
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Some(Value::Bool(false));
        }
        _ => {}
    }
    let whole = whole_number(text).map(Value::Int);
    Some(
        whole
            .or_else(|| float(text))
            .unwrap_or_else(|| Value::String(text.to_owned())),
    )
}

/// A number with a fraction or an exponent, or beyond 64 bits.
fn float(text: &str) -> Option<Value> {
    let plain = text.replace('_', "");
    let digits = plain.strip_prefix(['-', '+']).unwrap_or(&plain);
    let first = digits.strip_prefix('.').unwrap_or(digits);
    if !first.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let number: f64 = plain.parse().ok()?;
    let whole = digits.bytes().all(|b| b.is_ascii_digit());
    Some(if whole || !number.is_finite() {
        Value::Huge(plain)
    } else {
        Value::Float(number)
    })
}
