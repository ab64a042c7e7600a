//! From the tree to the raw structures: key folding, unknown keys, types, all faults at once.

use std::collections::BTreeMap;

use crate::Strictness;
use crate::error::{Entry, Fault, Problem, Warning};
use crate::suggest;
use crate::tree::{Node, Step, Value, path_text, same_key};
use crate::types::Secret;

/// One key of the schema.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    /// Its canonical spelling.
    pub name: &'static str,
    /// What it is for, in the words of the raw structure.
    pub doc: &'static str,
    /// What may stand there.
    pub shape: fn() -> Shape,
}

impl Key {
    /// The keys inside it, if it is a table or a list of tables; those of every type where the
    /// keys depend on a type.
    pub(crate) fn inside(&self) -> Option<Vec<Self>> {
        (self.shape)().keys()
    }
}

/// What may stand behind a key.
#[derive(Clone)]
pub(crate) enum Shape {
    /// A text.
    Text,
    /// A whole number.
    Whole,
    /// A whole number or this word.
    WholeOr(&'static str),
    /// A truth value.
    Flag,
    /// A list of such values.
    List(Box<Self>),
    /// Free keys with such values.
    Map(Box<Self>),
    /// A table with these keys.
    Table(Vec<Key>),
    /// A table whose `type` is one of these words, each with its keys.
    Typed(Vec<(&'static str, Vec<Key>)>),
    /// A table that somebody else reads.
    Free,
}

impl Shape {
    /// A table whose keys depend on its type.
    pub(crate) fn typed(types: &[&'static str], keys_of: fn(&str) -> Vec<Key>) -> Self {
        Self::Typed(types.iter().map(|kind| (*kind, keys_of(kind))).collect())
    }

    fn keys(self) -> Option<Vec<Key>> {
        match self {
            Self::Text
            | Self::Whole
            | Self::WholeOr(_)
            | Self::Flag
            | Self::Map(_)
            | Self::Free => None,
            Self::List(item) => item.keys(),
            Self::Table(keys) => Some(keys),
            Self::Typed(types) => Some(union(types.into_iter().map(|(_, keys)| keys))),
        }
    }
}

/// Joins key lists of several types of entry, each key once.
pub(crate) fn union(lists: impl IntoIterator<Item = Vec<Key>>) -> Vec<Key> {
    let mut all: Vec<Key> = Vec::new();
    for key in lists.into_iter().flatten() {
        if !all.iter().any(|known| known.name == key.name) {
            all.push(key);
        }
    }
    all
}

/// A table with known keys.
pub(crate) trait Section: Default {
    /// Every key.
    fn keys() -> Vec<Key>;
    /// Takes the value of `key`; false if there is no such key.
    fn fill(&mut self, key: &str, node: &Node, decoder: &mut Decoder<'_>) -> bool;
    /// Writes what is set down again.
    #[cfg(test)]
    fn write(&self, table: &mut toml::Table);
}

/// A value that can be read from the tree.
pub(crate) trait Decode: Sized {
    /// What is read.
    fn shape() -> Shape;
    /// Reads `node`; `None` after the fault was noted.
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self>;
}

/// Reads one file; collects what is wrong.
#[derive(Debug)]
pub(crate) struct Decoder<'f> {
    file: &'f str,
    strictness: Strictness,
    /// Every key of the file's schema, to say where a misplaced key belongs.
    schema: fn() -> Vec<Key>,
    path: Vec<Step>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<Warning>,
}

impl<'f> Decoder<'f> {
    /// Starts on `file`, which has the keys of `schema`.
    pub(crate) fn new(file: &'f str, strictness: Strictness, schema: fn() -> Vec<Key>) -> Self {
        Self {
            file,
            strictness,
            schema,
            path: vec![],
            problems: vec![],
            warnings: vec![],
        }
    }

    /// Reads a table; keys are taken in the order of their bytes, as upstream does, so that the
    /// last one wins when a key is written twice in different case.
    pub(crate) fn section<T: Section>(&mut self, node: &Node) -> Option<T> {
        let Value::Table(entries) = &node.value else {
            self.wrong_type(node, "object", "write a table of keys", true);
            return None;
        };
        let mut section = T::default();
        let mut before: Option<&str> = None;
        for (key, value) in entries {
            if before.is_some_and(|other| same_key(other, key)) {
                let text =
                    format!("key {key} is written twice in different case, the last one counts");
                self.warnings.push(Warning {
                    file: self.file.to_owned(),
                    line: value.line,
                    key: key.clone(),
                    text,
                });
            }
            before = Some(key);
            self.path.push(Step::Key(key.clone()));
            if !section.fill(key, value, self) && self.strictness == Strictness::Strict {
                self.unknown_key(key, value.line, &T::keys());
            }
            self.path.pop();
        }
        Some(section)
    }

    /// Notes a fault at the current path.
    pub(crate) fn fault(&mut self, line: u32, fault: Fault) {
        let entry = match self.path.as_slice() {
            [Step::Key(list), Step::Index(index), ..] if same_key(list, "proxies") => {
                Entry::ProxyAt(*index)
            }
            [Step::Key(list), Step::Index(index), ..] if same_key(list, "visitors") => {
                Entry::VisitorAt(*index)
            }
            _ => Entry::Common,
        };
        self.problems.push(Problem {
            file: self.file.to_owned(),
            line,
            key: self.path(),
            entry,
            fault,
        });
    }

    /// The current path as text.
    pub(crate) fn path(&self) -> String {
        path_text(&self.path)
    }

    /// The place of the current entry in its list.
    pub(crate) fn index(&self) -> usize {
        match self.path.last() {
            Some(Step::Index(index)) => *index,
            _ => 0,
        }
    }

    /// Notes that an entry has no type.
    pub(crate) fn empty_type<T>(&mut self, node: &Node, gist: &str) -> Option<T> {
        if matches!(node.value, Value::Table(_)) {
            let path = format!("{}.type", self.path());
            self.fault(
                node.line,
                Fault::Missing {
                    gist: gist.to_owned(),
                    path,
                },
            );
        } else {
            self.wrong_type(node, "object", "write a table of keys", true);
        }
        None
    }

    /// Notes that a table was wanted.
    pub(crate) fn not_a_table(&mut self, node: &Node) {
        self.wrong_type(node, "map", "write a table of keys", true);
    }

    fn unknown_key(&mut self, key: &str, line: u32, allowed: &[Key]) {
        let names: Vec<&'static str> = allowed.iter().map(|k| k.name).collect();
        let remedy = match (
            suggest::nearest(key, &names),
            suggest::elsewhere(key, self.schema),
        ) {
            (Some(name), _) => format!("did you mean {name:?}?"),
            (None, _) if suggest::exists(&self.path, (self.schema)()) => {
                "only entries of another type have this key".to_owned()
            }
            (None, Some(path)) => format!("did you mean {path}?"),
            (None, None) if names.len() <= 12 => format!("the keys here are {}", names.join(", ")),
            (None, None) => "remove it, or run with --strict-config=false".to_owned(),
        };
        let fault = Fault::UnknownKey {
            key: key.to_owned(),
            path: self.path(),
            remedy,
        };
        self.fault(line, fault);
    }

    /// Notes a wrong type; `secret` values are not shown. Nor are texts in place of tables, which
    /// may be anything.
    fn wrong_type(&mut self, node: &Node, wanted: &'static str, remedy: &str, secret: bool) {
        let (kind, shown) = match &node.value {
            Value::String(text) => ("string", format!("{text:?}")),
            Value::Int(number) => ("number", number.to_string()),
            Value::Float(number) => ("number", number.to_string()),
            Value::Huge(number) => ("number", number.clone()),
            Value::Bool(flag) => ("bool", flag.to_string()),
            Value::Array(_) => ("array", String::new()),
            Value::Table(_) => ("object", String::new()),
        };
        let (kind, shown) = match (kind, wanted) {
            // A number that is not whole or too large: upstream writes it out here.
            ("number", "int") => (format!("number {shown}"), String::new()),
            _ if secret || shown.is_empty() || shown.len() > 64 => (kind.to_owned(), String::new()),
            _ => (kind.to_owned(), format!(" (found {shown})")),
        };
        let fault = Fault::WrongType {
            path: self.path(),
            kind,
            shown,
            wanted,
            remedy: remedy.to_owned(),
        };
        self.fault(node.line, fault);
    }
}

/// Two sections in one table: the keys of every type, and the keys of this type.
impl<A: Section, B: Section> Section for (A, B) {
    fn keys() -> Vec<Key> {
        let mut keys = A::keys();
        keys.extend(B::keys());
        keys
    }

    fn fill(&mut self, key: &str, node: &Node, decoder: &mut Decoder<'_>) -> bool {
        self.0.fill(key, node, decoder) || self.1.fill(key, node, decoder)
    }

    #[cfg(test)]
    fn write(&self, table: &mut toml::Table) {
        self.0.write(table);
        self.1.write(table);
    }
}

/// A type without keys of its own.
impl Section for () {
    fn keys() -> Vec<Key> {
        Vec::new()
    }

    fn fill(&mut self, _: &str, _: &Node, _: &mut Decoder<'_>) -> bool {
        false
    }

    #[cfg(test)]
    fn write(&self, _: &mut toml::Table) {}
}

impl Decode for String {
    fn shape() -> Shape {
        Shape::Text
    }

    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        match &node.value {
            Value::String(text) => Some(text.clone()),
            _ => {
                decoder.wrong_type(node, "string", "write it in quotes", false);
                None
            }
        }
    }
}

impl Decode for Secret {
    fn shape() -> Shape {
        Shape::Text
    }

    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        match &node.value {
            Value::String(text) => Some(Self::new(text.clone())),
            _ => {
                decoder.wrong_type(node, "string", "write it in quotes", true);
                None
            }
        }
    }
}

impl Decode for i64 {
    fn shape() -> Shape {
        Shape::Whole
    }

    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let number = match &node.value {
            Value::Int(number) => Some(*number),
            // Upstream reads a number such as 7000.0 as the whole number that it is.
            Value::Float(number) if number.fract() == 0.0 => format!("{number:.0}").parse().ok(),
            _ => None,
        };
        if number.is_none() {
            let remedy = "write a whole number, without quotes and without a fraction";
            decoder.wrong_type(node, "int", remedy, false);
        }
        number
    }
}

impl Decode for bool {
    fn shape() -> Shape {
        Shape::Flag
    }

    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        match &node.value {
            Value::Bool(flag) => Some(*flag),
            _ => {
                decoder.wrong_type(node, "bool", "write true or false, without quotes", false);
                None
            }
        }
    }
}

impl<T: Decode> Decode for Option<T> {
    fn shape() -> Shape {
        T::shape()
    }

    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        T::decode(node, decoder).map(Some)
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn shape() -> Shape {
        Shape::List(Box::new(T::shape()))
    }

    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let Value::Array(items) = &node.value else {
            decoder.wrong_type(node, "array", "write a list in [ ]", false);
            return None;
        };
        let mut all = Self::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            decoder.path.push(Step::Index(index));
            all.extend(T::decode(item, decoder));
            decoder.path.pop();
        }
        Some(all)
    }
}

/// Free keys, which keep their case.
impl<T: Decode> Decode for BTreeMap<String, T> {
    fn shape() -> Shape {
        Shape::Map(Box::new(T::shape()))
    }

    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let Value::Table(entries) = &node.value else {
            decoder.not_a_table(node);
            return None;
        };
        let mut all = Self::new();
        for (key, value) in entries {
            decoder.path.push(Step::Key(key.clone()));
            all.extend(T::decode(value, decoder).map(|value| (key.clone(), value)));
            decoder.path.pop();
        }
        Some(all)
    }
}

/// Writes a section down once: its fields, their keys and how they are read.
macro_rules! section {
    (
        $(#[$meta:meta])*
        struct $name:ident {
            $( $(#[doc = $doc:literal])* $key:literal => $field:ident: $type:ty, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default)]
        pub(crate) struct $name {
            $( $(#[doc = $doc])* pub $field: $type, )*
        }

        impl $crate::decode::Section for $name {
            fn keys() -> Vec<$crate::decode::Key> {
                vec![ $( $crate::decode::Key {
                    name: $key,
                    doc: concat!($($doc, "\n"),*),
                    shape: <$type as $crate::decode::Decode>::shape,
                }, )* ]
            }

            fn fill(
                &mut self,
                key: &str,
                node: &$crate::tree::Node,
                decoder: &mut $crate::decode::Decoder<'_>,
            ) -> bool {
                $( if $crate::tree::same_key(key, $key) {
                    if let Some(value) = $crate::decode::Decode::decode(node, decoder) {
                        self.$field = value;
                    }
                    return true;
                } )*
                false
            }

            #[cfg(test)]
            fn write(&self, table: &mut toml::Table) {
                $( if let Some(value) = $crate::encode::Encode::encode(&self.$field) {
                    table.insert($key.to_owned(), value);
                } )*
            }
        }

        #[cfg(test)]
        impl $crate::encode::Encode for $name {
            fn encode(&self) -> Option<toml::Value> {
                let mut table = toml::Table::new();
                $crate::decode::Section::write(self, &mut table);
                (!table.is_empty()).then_some(toml::Value::Table(table))
            }
        }

        impl $crate::decode::Decode for $name {
            fn shape() -> $crate::decode::Shape {
                $crate::decode::Shape::Table(<Self as $crate::decode::Section>::keys())
            }

            fn decode(
                node: &$crate::tree::Node,
                decoder: &mut $crate::decode::Decoder<'_>,
            ) -> Option<Self> {
                decoder.section(node)
            }
        }
    };
}
pub(crate) use section;
