//! What a program adds to upstream's schema: transports of its own, each with a free table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use crate::check::Checker;
use crate::decode::{Decode, Decoder, Key, Section, Shape};
use crate::error::Fault;
use crate::raw::client::RawClientTransport;
use crate::raw::server::RawServerTransport;
use crate::reading::Role;
use crate::suggest;
use crate::tree::{Node, Value, same_key};

/// What stands before the path of a program in `transport.protocol`.
pub const EXEC: &str = "exec:";

/// The name of the free table of such programs, `[transport.exec]`.
const EXEC_TABLE: &str = "exec";

/// What `--allow-unsafe` must name before a transport may be a program.
const EXEC_FEATURE: &str = "TransportExec";

/// What a program adds to upstream's schema, and what its operator allows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extensions<'a> {
    /// The names of the transports that this build has; empty where that is not known.
    pub transports: &'a [&'a str],
    /// The words of `--allow-unsafe`.
    pub allow_unsafe: &'a [String],
}

/// A table that is kept as it was written, for whoever reads it later. It may hold secrets and is
/// not shown.
#[derive(Clone, Default, PartialEq)]
pub struct FreeTable(toml::Table);

impl FreeTable {
    /// The table itself, for the one place that reads it.
    #[must_use]
    pub const fn expose(&self) -> &toml::Table {
        &self.0
    }
}

impl fmt::Debug for FreeTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FreeTable(..)")
    }
}

impl Decode for FreeTable {
    fn shape() -> Shape {
        Shape::Free
    }

    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let table = Self::of(node);
        if table.is_none() {
            decoder.not_a_table(node);
        }
        table
    }
}

impl FreeTable {
    fn of(node: &Node) -> Option<Self> {
        match value(&node.value) {
            toml::Value::Table(table) => Some(Self(table)),
            _ => None,
        }
    }
}

fn value(value_: &Value) -> toml::Value {
    match value_ {
        Value::Int(number) => toml::Value::Integer(*number),
        Value::Float(number) => toml::Value::Float(*number),
        Value::Bool(flag) => toml::Value::Boolean(*flag),
        Value::Huge(text) | Value::String(text) => toml::Value::String(text.clone()),
        Value::Array(items) => {
            toml::Value::Array(items.iter().map(|item| value(&item.value)).collect())
        }
        Value::Table(entries) => {
            let mut table = toml::Table::new();
            for (key, node) in entries {
                table.insert(key.clone(), value(&node.value));
            }
            toml::Value::Table(table)
        }
    }
}

/// The free tables of a file, by the name of their transport.
pub(crate) type FreeTables = BTreeMap<String, FreeTable>;

/// Takes `[transport.<name>]` out of the file where it belongs to a transport that the file names
/// and that is no part of the schema. Every other key stays, to be refused.
pub(crate) fn take_tables(tree: &mut Node, role: Role) -> FreeTables {
    let mut known = RawClientTransport::keys();
    known.extend(RawServerTransport::keys());
    let mut taken = FreeTables::new();
    for name in named(tree, role) {
        if known.iter().any(|key: &Key| same_key(key.name, &name)) {
            continue;
        }
        if let Some(table) = take(tree, &name) {
            taken.insert(name, table);
        }
    }
    taken
}

/// The transports that the file names: a client's one, and those of a server's listeners.
fn named(tree: &Node, role: Role) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut note = |node: Option<&Node>| {
        if let Some(Value::String(name)) = node.map(|node| &node.value) {
            names.insert(table_name(name).to_owned());
        }
    };
    if role == Role::Client {
        note(tree.child("transport").and_then(|t| t.child("protocol")));
        if let Some(Value::Array(servers)) = tree.child("servers").map(|s| &s.value) {
            for server in servers {
                note(server.child("protocol"));
            }
        }
    } else if let Some(Value::Array(listeners)) = tree.child("listeners").map(|l| &l.value) {
        for listener in listeners {
            note(listener.child("transport"));
        }
    }
    names
}

fn take(tree: &mut Node, name: &str) -> Option<FreeTable> {
    let Value::Table(top) = &mut tree.value else {
        return None;
    };
    let mut places = top.iter_mut().filter(|(key, _)| same_key(key, "transport"));
    let Value::Table(keys) = &mut places.next_back()?.1.value else {
        return None;
    };
    let at = keys.iter().position(|(key, _)| key == name)?;
    let table = FreeTable::of(&keys.get(at)?.1)?;
    keys.remove(at);
    Some(table)
}

/// The name of the free table of a transport.
pub(crate) fn table_name(transport: &str) -> &str {
    if transport.starts_with(EXEC) {
        EXEC_TABLE
    } else {
        transport
    }
}

impl<'f> Checker<'f> {
    /// The transports of this build, or upstream's where they are not known.
    const fn transports(&self) -> &'f [&'f str] {
        if self.extensions.transports.is_empty() {
            &["tcp", "kcp", "quic", "websocket", "wss"]
        } else {
            self.extensions.transports
        }
    }

    /// Whether `found` is a transport beyond upstream's that this program may use. A program that
    /// may not be run is noted as a fault, and counts.
    pub(crate) fn is_extension(&mut self, path: &str, found: &str) -> bool {
        let Some(program) = found.strip_prefix(EXEC) else {
            return self.transports().contains(&found);
        };
        if !Path::new(program).is_absolute() {
            let gist = format!("invalid {path}, a program is named by its absolute path");
            self.bad(path, found, gist, "write exec:/path/to/program");
        } else {
            self.needs_unsafe(path, EXEC_FEATURE);
        }
        true
    }

    /// Notes that `feature` is asked for at `path`, unless the operator allows it.
    pub(crate) fn needs_unsafe(&mut self, path: &str, feature: &str) {
        if self
            .extensions
            .allow_unsafe
            .iter()
            .any(|word| word == feature)
        {
            return;
        }
        let gist = format!(
            "unsafe feature {feature:?} is not enabled. To enable it, ensure it is allowed in the \
             configuration or command line flags"
        );
        let remedy = ["start the program with --allow-unsafe", feature].join(" ");
        self.fault(path, Fault::Conflict { gist, remedy });
    }

    /// Notes that `found` is no transport of this program, which has others.
    pub(crate) fn no_such_transport(&mut self, path: &str, found: &str, gist: String) {
        let have = self.transports();
        let remedy = match suggest::nearest(found, have) {
            Some(word) => format!("did you mean {word:?}?"),
            None => format!(
                "no transport of that name is in this build, which has {}",
                have.join(", ")
            ),
        };
        self.bad(path, found, gist, remedy);
    }

    /// The free table of a transport.
    pub(crate) fn free_table(&self, transport: &str) -> FreeTable {
        let table = self.free.get(table_name(transport));
        table.cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
