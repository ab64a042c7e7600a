//! One tree of values with line numbers, whatever the format of the file was.

/// A value and the line where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    /// The line of the key, or of the value inside an array; from 1.
    pub line: u32,
    /// The value.
    pub value: Value,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A whole number beyond 64 bits, as written.
    Huge(String),
    /// A truth value.
    Bool(bool),
    /// A text.
    String(String),
    /// A list.
    Array(Vec<Node>),
    /// Keys and values, sorted by key.
    Table(Vec<(String, Node)>),
}

/// One step from a value to a value inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// A key of a table.
    Key(String),
    /// An index of an array.
    Index(usize),
}

/// Whether two keys are the same key: upstream's JSON reader folds case, with the two letters
/// outside of ASCII that fold into it (Go `encoding/json`, `foldName`).
pub(crate) fn same_key(a: &str, b: &str) -> bool {
    a.chars().map(fold).eq(b.chars().map(fold))
}

fn fold(c: char) -> char {
    match c {
        'ſ' => 's',
        '\u{212A}' => 'k',
        _ => c.to_ascii_lowercase(),
    }
}

/// Sorts the entries of a table. In one place: the code of a sort is 5 KB, for each that asks.
pub(crate) fn sort(entries: &mut [(String, Node)]) {
    entries.sort_by(|a, b| a.0.cmp(&b.0));
}

impl Node {
    /// Keys that stand in no file.
    pub(crate) fn of_keys(keys: toml::Table) -> Self {
        Self::nowhere(toml::Value::Table(keys))
    }

    fn nowhere(value: toml::Value) -> Self {
        let value = match value {
            toml::Value::String(text) => Value::String(text),
            toml::Value::Integer(number) => Value::Int(number),
            toml::Value::Float(number) => Value::Float(number),
            toml::Value::Boolean(flag) => Value::Bool(flag),
            toml::Value::Datetime(date) => Value::String(date.to_string()),
            toml::Value::Array(items) => {
                Value::Array(items.into_iter().map(Self::nowhere).collect())
            }
            toml::Value::Table(table) => {
                let entries = table.into_iter();
                let mut entries: Vec<_> = entries.map(|(k, v)| (k, Self::nowhere(v))).collect();
                sort(&mut entries);
                Value::Table(entries)
            }
        };
        Self { line: 0, value }
    }

    /// Moves the items of the list `key` of `other` behind those of the list here.
    pub(crate) fn append(&mut self, key: &str, other: &mut Self) {
        let (Value::Table(entries), Value::Table(others)) = (&mut self.value, &mut other.value)
        else {
            return;
        };
        let is_key = |(name, _): &(String, Self)| same_key(name, key);
        let Some(from) = others.iter().rposition(is_key) else {
            return;
        };
        let moved = others.remove(from);
        let known = entries.iter_mut().rfind(|entry| is_key(entry));
        match (known, moved) {
            (
                Some((
                    _,
                    Self {
                        value: Value::Array(items),
                        ..
                    },
                )),
                (_, more),
            ) => {
                if let Value::Array(mut more) = more.value {
                    items.append(&mut more);
                }
            }
            (Some((_, node)), (_, more)) => *node = more,
            (None, moved) => {
                entries.push(moved);
                sort(entries);
            }
        }
    }

    /// Gives every value the line that `origin` tells for its own.
    pub(crate) fn map_lines(&mut self, origin: &dyn Fn(u32) -> u32) {
        self.line = origin(self.line);
        match &mut self.value {
            Value::Array(items) => items.iter_mut().for_each(|item| item.map_lines(origin)),
            Value::Table(entries) => {
                entries
                    .iter_mut()
                    .for_each(|(_, entry)| entry.map_lines(origin));
            }
            _ => {}
        }
    }

    /// A table of these entries, which must be sorted.
    pub(crate) const fn table(entries: Vec<(String, Self)>) -> Self {
        Self {
            line: 1,
            value: Value::Table(entries),
        }
    }

    /// Takes every value of `key` out; the one that [`child`](Self::child) shows.
    pub(crate) fn take(&mut self, key: &str) -> Option<Self> {
        let Value::Table(entries) = &mut self.value else {
            return None;
        };
        let is_key = |(name, _): &(String, Self)| same_key(name, key);
        let at = entries.iter().rposition(is_key)?;
        let (_, taken) = entries.remove(at);
        entries.retain(|entry| !is_key(entry));
        Some(taken)
    }

    /// Gives `key` of a table a value in place of those it has.
    pub(crate) fn set(&mut self, key: &str, value: Value) {
        let line = self.take(key).map_or(self.line, |old| old.line);
        if let Value::Table(entries) = &mut self.value {
            entries.push((key.to_owned(), Self { line, value }));
            sort(entries);
        }
    }

    /// As [`child`](Self::child), to be changed.
    pub(crate) fn child_mut(&mut self, key: &str) -> Option<&mut Self> {
        match &mut self.value {
            Value::Table(entries) => entries
                .iter_mut()
                .rev()
                .find(|(name, _)| same_key(name, key))
                .map(|(_, node)| node),
            _ => None,
        }
    }

    /// The value of `key`; the last one if the key is written twice in different case.
    pub(crate) fn child(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Table(entries) => entries
                .iter()
                .rev()
                .find(|(name, _)| same_key(name, key))
                .map(|(_, node)| node),
            _ => None,
        }
    }

    /// The line of `path` (such as `proxies[2].transport.bandwidthLimit`), or of the closest
    /// enclosing value that is written in the file.
    pub(crate) fn line_of(&self, path: &str) -> u32 {
        let mut node = self;
        for part in path.split('.') {
            let (key, index) = match part.strip_suffix(']').and_then(|p| p.split_once('[')) {
                Some((key, index)) => (key, index.parse::<usize>().ok()),
                None => (part, None),
            };
            let Some(child) = node.child(key) else { break };
            node = child;
            let Some(index) = index else { continue };
            let Value::Array(items) = &node.value else {
                break;
            };
            let Some(item) = items.get(index) else { break };
            node = item;
        }
        node.line
    }
}

/// Writes steps as a key path, such as `proxies[2].name`.
pub(crate) fn path_text(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => {
                text.push('.');
                text.push_str(key);
            }
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}
