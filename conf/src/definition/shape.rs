//! The JSON form of an entry: upstream's keys in its order, and what Go leaves out.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Defined;
use crate::decode::Key;
use crate::raw::{plugin, proxy, visitor};
use crate::tree::{Node, Value};

/// Keys that are written even when they are empty: they have no `omitempty` upstream, or a type
/// that Go never takes for empty (pkg/config/v1/proxy.go).
const ALWAYS: [(&str, Empty); 5] = [
    ("name", Empty::Text),
    ("type", Empty::Text),
    ("group", Empty::Text),
    ("bandwidthLimit", Empty::Text),
    ("intervalSeconds", Empty::Int),
];

/// Truth values that upstream tells from "not written".
const OPTIONAL: [&str; 2] = ["enabled", "enableHTTP2"];

/// Lists of tables, and tables that are left out when they are not written, unlike others.
const OMITTED: [&str; 2] = ["natTraversal", "httpHeaders"];

#[derive(Clone, Copy)]
enum Empty {
    Text,
    Int,
}

/// A JSON value that keeps the order of its keys.
pub(super) enum Shape {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl Serialize for Shape {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Float(number) => serializer.serialize_f64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Map(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (key, value) in fields {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

/// The form of an entry of this type.
pub(super) fn entry(what: Defined, kind: &str, entry: &Node) -> Shape {
    let keys = match what {
        Defined::Proxy => proxy::keys_of(kind),
        Defined::Visitor => visitor::keys_of(kind),
    };
    object(what, Some(entry), &keys)
}

fn object(what: Defined, node: Option<&Node>, keys: &[Key]) -> Shape {
    let fields = keys.iter().filter_map(|key| {
        let child = node.and_then(|node| node.child(key.name));
        Some((key.name.to_owned(), field(what, key, child)?))
    });
    Shape::Map(fields.collect())
}

/// The value of a key; `None` when it is left out.
fn field(what: Defined, key: &Key, node: Option<&Node>) -> Option<Shape> {
    if key.name == "plugin" {
        return Some(node.map_or(Shape::Null, |node| of_plugin(what, node)));
    }
    if let Some(inside) = key.inside() {
        return match node.map(|node| &node.value) {
            Some(Value::Array(items)) if items.is_empty() => None,
            Some(Value::Array(items)) => {
                let item = |item| object(what, Some(item), &inside);
                Some(Shape::List(items.iter().map(item).collect()))
            }
            None if OMITTED.contains(&key.name) => None,
            _ => Some(object(what, node, &inside)),
        };
    }
    match node {
        Some(node) if OPTIONAL.contains(&key.name) || !is_zero(&node.value) => {
            Some(plain(&node.value))
        }
        _ => ALWAYS
            .iter()
            .find(|(name, _)| *name == key.name)
            .map(|(_, empty)| match empty {
                Empty::Text => Shape::Text(String::new()),
                Empty::Int => Shape::Int(0),
            }),
    }
}

fn of_plugin(what: Defined, node: &Node) -> Shape {
    let keys = match what {
        Defined::Proxy => plugin::keys_of(proxy::type_of(node)),
        Defined::Visitor => visitor::plugin_keys(),
    };
    object(what, Some(node), &keys)
}

/// Whether Go takes a value for empty.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Int(number) => *number == 0,
        Value::Float(number) => *number == 0.0,
        Value::Bool(flag) => !flag,
        Value::Huge(text) | Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Table(fields) => fields.is_empty(),
    }
}

fn plain(value: &Value) -> Shape {
    match value {
        Value::Int(number) => Shape::Int(*number),
        // A number such as 7000.0 is read as the whole number that it is.
        Value::Float(number) => match format!("{number:.0}").parse() {
            Ok(whole) if number.fract() == 0.0 => Shape::Int(whole),
            _ => Shape::Float(*number),
        },
        Value::Bool(flag) => Shape::Bool(*flag),
        Value::Huge(text) | Value::String(text) => Shape::Text(text.clone()),
        Value::Array(items) => Shape::List(items.iter().map(|item| plain(&item.value)).collect()),
        Value::Table(fields) => {
            let fields = fields.iter();
            Shape::Map(
                fields
                    .map(|(k, node)| (k.clone(), plain(&node.value)))
                    .collect(),
            )
        }
    }
}

/// Fills in what upstream's `Complete` fills in (pkg/config/v1/proxy.go, visitor.go).
pub(super) fn complete(what: Defined, kind: &str, entry: &mut Node) {
    let text = |text: &str| Value::String(text.to_owned());
    match what {
        Defined::Proxy => {
            default(entry, "localIP", text("127.0.0.1"));
            if entry.child("transport").is_none() {
                entry.set("transport", Value::Table(Vec::new()));
            }
            if let Some(transport) = entry.child_mut("transport") {
                default(transport, "bandwidthLimitMode", text("client"));
            }
            if let Some(plugin) = entry.child_mut("plugin")
                && proxy::type_of(plugin).starts_with("https2")
                && plugin.child("enableHTTP2").is_none()
            {
                plugin.set("enableHTTP2", Value::Bool(true));
            }
        }
        Defined::Visitor => {
            default(entry, "bindAddr", text("127.0.0.1"));
            if kind == "xtcp" {
                default(entry, "protocol", text("quic"));
                default(entry, "maxRetriesAnHour", Value::Int(8));
                default(entry, "minRetryInterval", Value::Int(90));
                default(entry, "fallbackTimeoutMs", Value::Int(1000));
            }
        }
    }
}

/// Sets what is empty.
fn default(node: &mut Node, key: &str, value: Value) {
    if node.child(key).is_none_or(|child| is_zero(&child.value)) {
        node.set(key, value);
    }
}
