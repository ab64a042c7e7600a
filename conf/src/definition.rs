//! One proxy or visitor as data: what the admin API shows and takes, and what the store keeps.
//!
//! A [`Definition`] is what somebody wrote, before its meaning is checked. It is shown with the
//! keys, in the order and with the omissions of Go's `encoding/json` (api 1).

mod shape;

use std::fmt;

use serde::{Serialize, Serializer};

use crate::Strictness;
use crate::check::{self, Checker};
use crate::client::ClientConfig;
use crate::decode::{Decoder, Section};
use crate::error::{ConfigError, Entry, Problem};
use crate::extend::{Extensions, FreeTables};
use crate::includes::Files;
use crate::raw::client::RawClient;
use crate::raw::proxy::PROXY_TYPES;
use crate::raw::visitor::VISITOR_TYPES;
use crate::source;
use crate::tree::{Node, Value, same_key};
use shape::Shape;

/// What a definition defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defined {
    /// One entry of `proxies`.
    Proxy,
    /// One entry of `visitors`.
    Visitor,
}

impl Defined {
    /// `proxy` or `visitor`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proxy => "proxy",
            Self::Visitor => "visitor",
        }
    }

    /// The key of the list that holds such entries.
    const fn list(self) -> &'static str {
        match self {
            Self::Proxy => "proxies",
            Self::Visitor => "visitors",
        }
    }

    /// Every `type` that there is.
    const fn types(self) -> &'static [&'static str] {
        match self {
            Self::Proxy => &PROXY_TYPES,
            Self::Visitor => &VISITOR_TYPES,
        }
    }
}

/// Why a text is no definition, in upstream's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DefinitionError(String);

/// One proxy or visitor as it was written.
#[derive(Clone, PartialEq)]
pub struct Definition {
    what: Defined,
    name: String,
    kind: &'static str,
    /// The entry, as in a configuration file.
    entry: Node,
}

impl fmt::Debug for Definition {
    /// Without the entry, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Definition({} {} {:?})",
            self.what.as_str(),
            self.kind,
            self.name
        )
    }
}

impl Definition {
    /// Reads what the admin API takes: `{"name": …, "type": "tcp", "tcp": {…}}`, with exactly one
    /// block. `asked` is the name in the path of a request that changes an entry.
    ///
    /// # Errors
    /// The text is no JSON, or something in it has the wrong type or is missing.
    pub fn parse(what: Defined, text: &str, asked: Option<&str>) -> Result<Self, DefinitionError> {
        let word = what.as_str();
        let parse = |error: &dyn fmt::Display| format!("parse JSON error: {error}");
        let mut tree = source::parse_json(text).map_err(|e| DefinitionError(parse(&e)))?;
        let Value::Table(fields) = &tree.value else {
            let text = parse(&"json: the definition must be an object");
            return Err(DefinitionError(text));
        };
        let refuse = |text: String| Err(DefinitionError(text));
        let (Some(name), Some(kind)) = (string(&tree, "name"), string(&tree, "type")) else {
            return refuse(parse(&"json: name and type must be strings"));
        };
        if name.trim().is_empty() {
            return refuse(format!("{word} name is required"));
        }
        let Some(kind) = what.types().iter().copied().find(|known| *known == kind) else {
            return refuse(format!("invalid {word} type: {kind}"));
        };
        if asked.is_some_and(|asked| asked != name) {
            return refuse(format!("{word} name in URL must match name in body"));
        }
        let is_block = |key: &str| what.types().iter().copied().find(|t| same_key(t, key));
        let blocks: Vec<_> = fields.iter().filter_map(|(key, _)| is_block(key)).collect();
        let [block] = *blocks else {
            return refuse(format!("exactly one {word} type block is required"));
        };
        if block != kind {
            return refuse(format!(
                "{word} type block {block:?} does not match type {kind:?}"
            ));
        }
        let name = name.to_owned();
        let mut entry = tree.take(block).unwrap_or_else(|| Node::table(Vec::new()));
        if matches!(entry.value, Value::Table(_)) {
            entry.set("name", Value::String(name.clone()));
            entry.set("type", Value::String(kind.to_owned()));
        }
        let definition = Self {
            what,
            name,
            kind,
            entry,
        };
        if let Some(problem) = decode(&definition.alone()).1.first() {
            return refuse(parse(&definition.own_words(problem)));
        }
        Ok(definition)
    }

    /// An entry of a list whose types were found right.
    fn of(what: Defined, entry: &Node) -> Option<Self> {
        let kind = string(entry, "type")?;
        Some(Self {
            what,
            name: string(entry, "name")?.to_owned(),
            kind: what.types().iter().copied().find(|known| *known == kind)?,
            entry: entry.clone(),
        })
    }

    /// What it defines.
    #[must_use]
    pub const fn what(&self) -> Defined {
        self.what
    }

    /// Its name, without the user.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its `type`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// Whether it is to run: `enabled` is not false.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        let enabled = self.entry.child("enabled").map(|node| &node.value);
        !matches!(enabled, Some(Value::Bool(false)))
    }

    /// Checks its meaning, also when it is disabled.
    ///
    /// # Errors
    /// Every fault in a line of its own, in upstream's words first.
    pub fn check(&self) -> Result<(), DefinitionError> {
        let mut tree = self.alone();
        if let Some(Value::Array(entries)) = tree.child_mut(self.what.list()).map(|n| &mut n.value)
        {
            entries
                .iter_mut()
                .for_each(|entry| drop(entry.take("enabled")));
        }
        match checked(&tree, "") {
            Ok(_) => Ok(()),
            Err(problems) => {
                let lines: Vec<_> = problems.iter().map(|p| self.own_words(p)).collect();
                Err(DefinitionError(lines.join("\n")))
            }
        }
    }

    /// The same with the defaults that upstream fills in.
    #[must_use]
    pub fn completed(mut self) -> Self {
        shape::complete(self.what, self.kind, &mut self.entry);
        self
    }

    /// The entry alone, as a configuration file has it; the value serialises to the same object.
    #[must_use]
    pub fn entry(&self) -> impl Serialize + Send + use<> {
        shape::entry(self.what, self.kind, &self.entry)
    }

    /// A fault of the entry [`alone`](Self::alone), its keys seen from the entry.
    fn own_words(&self, problem: &Problem) -> String {
        let list = format!("{}[0].", self.what.list());
        problem.fault.to_string().replace(&list, "")
    }

    /// A file that holds only this entry.
    fn alone(&self) -> Node {
        let list = Value::Array(vec![self.entry.clone()]);
        Node::table(vec![(
            self.what.list().to_owned(),
            Node {
                line: 1,
                value: list,
            },
        )])
    }
}

impl Serialize for Definition {
    /// The form of the admin API: name, type, and the entry under its type.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = |text: &str| Shape::Text(text.to_owned());
        let fields = vec![
            ("name".to_owned(), text(&self.name)),
            ("type".to_owned(), text(self.kind)),
            (
                self.kind.to_owned(),
                shape::entry(self.what, self.kind, &self.entry),
            ),
        ];
        Shape::Map(fields).serialize(serializer)
    }
}

/// The proxies and visitors of one source, in the order in which they were written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Definitions {
    /// Entries of `proxies`.
    pub proxies: Vec<Definition>,
    /// Entries of `visitors`.
    pub visitors: Vec<Definition>,
}

impl Definitions {
    /// Reads the file of a store, JSON. Keys that do not exist are ignored, and nothing but the
    /// types is checked, as upstream does (config 2.8).
    ///
    /// # Errors
    /// The text is no JSON, or an entry cannot be read.
    pub fn parse_store(text: &str) -> Result<Self, DefinitionError> {
        let parse =
            |error: &dyn fmt::Display| DefinitionError(format!("failed to parse JSON: {error}"));
        let tree = source::parse_json(text).map_err(|e| parse(&e))?;
        if !matches!(tree.value, Value::Table(_)) {
            return Err(parse(&"the store must be an object"));
        }
        let tree = only_lists(&tree);
        match decode(&tree).1.first() {
            None => Ok(Self::of(&tree)),
            Some(problem) => {
                let entry = match &problem.entry {
                    Entry::Common => String::new(),
                    entry => format!("failed to {entry}"),
                };
                Err(DefinitionError(format!("{entry}{}", problem.fault)))
            }
        }
    }

    /// What they mean to the client of `user`, which runs those that `start` names. Only the
    /// entries that are to run are checked.
    ///
    /// # Errors
    /// Faults of the entries; `name` is the file that they stand in.
    pub fn checked(
        &self,
        name: &str,
        user: &str,
        start: &[String],
    ) -> Result<ClientConfig, ConfigError> {
        let list = |entries: &[Definition]| {
            let entries = entries.iter().map(|definition| definition.entry.clone());
            Node {
                line: 1,
                value: Value::Array(entries.collect()),
            }
        };
        let text = |text: &str| Node {
            line: 1,
            value: Value::String(text.to_owned()),
        };
        let start = Value::Array(start.iter().map(|name| text(name)).collect());
        let tree = Node::table(vec![
            ("proxies".to_owned(), list(&self.proxies)),
            (
                "start".to_owned(),
                Node {
                    line: 1,
                    value: start,
                },
            ),
            ("user".to_owned(), text(user)),
            ("visitors".to_owned(), list(&self.visitors)),
        ]);
        checked(&tree, name).map_err(|problems| ConfigError::Invalid { problems })
    }

    /// The lists of a file whose types were found right.
    pub(crate) fn of(tree: &Node) -> Self {
        let list = |what: Defined| match tree.child(what.list()).map(|node| &node.value) {
            Some(Value::Array(entries)) => {
                let of = |entry| Definition::of(what, entry);
                entries.iter().filter_map(of).collect()
            }
            _ => Vec::new(),
        };
        Self {
            proxies: list(Defined::Proxy),
            visitors: list(Defined::Visitor),
        }
    }

    /// The list of these entries.
    pub const fn list_mut(&mut self, what: Defined) -> &mut Vec<Definition> {
        match what {
            Defined::Proxy => &mut self.proxies,
            Defined::Visitor => &mut self.visitors,
        }
    }

    /// The entry of this name.
    #[must_use]
    pub fn find(&self, what: Defined, name: &str) -> Option<&Definition> {
        let list = match what {
            Defined::Proxy => &self.proxies,
            Defined::Visitor => &self.visitors,
        };
        list.iter().find(|definition| definition.name == name)
    }
}

impl Serialize for Definitions {
    /// The form of the store's file; lists without entries are left out.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lists = [("proxies", &self.proxies), ("visitors", &self.visitors)];
        let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
        let shape = |d: &Definition| shape::entry(d.what, d.kind, &d.entry);
        let lists = lists.map(|(key, list)| {
            let entries = list.iter().map(shape).collect();
            (key.to_owned(), Shape::List(entries))
        });
        Shape::Map(lists.collect()).serialize(serializer)
    }
}

/// A text of `node`; empty when it is not written, `None` when it is no text.
fn string<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    match node.child(key).map(|node| &node.value) {
        None => Some(""),
        Some(Value::String(text)) => Some(text),
        Some(_) => None,
    }
}

/// The proxies and visitors of a store; other keys do not belong to it.
fn only_lists(tree: &Node) -> Node {
    let lists = [Defined::Proxy, Defined::Visitor].into_iter();
    let lists = lists.filter_map(|what| {
        let list = tree.child(what.list())?.clone();
        Some((what.list().to_owned(), list))
    });
    Node::table(lists.collect())
}

fn decode(tree: &Node) -> (RawClient, Vec<Problem>) {
    let mut decoder = Decoder::new("", Strictness::Lenient, RawClient::keys);
    let raw = decoder.section::<RawClient>(tree).unwrap_or_default();
    (raw, decoder.problems)
}

fn checked(tree: &Node, name: &str) -> Result<ClientConfig, Vec<Problem>> {
    let (raw, problems) = decode(tree);
    if !problems.is_empty() {
        return Err(problems);
    }
    let files = Files::new(name, "");
    let (extensions, free) = (Extensions::default(), FreeTables::default());
    let mut checker = Checker::new(&files, true, tree, extensions, free);
    let config = check::client(&mut checker, raw, std::path::Path::new(""));
    if checker.problems.is_empty() {
        Ok(config)
    } else {
        Err(checker.problems)
    }
}

#[cfg(test)]
mod tests;
