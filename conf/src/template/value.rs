//! The values that a template works with.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// `nil`, and what a missing variable of the environment is.
    Nothing,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A text.
    Text(Rc<str>),
    /// A list.
    List(Rc<[Self]>),
    /// Two numbers, `.First` and `.Second`.
    Pair(i64, i64),
    /// The environment, `.Envs`.
    Envs(Rc<BTreeMap<String, String>>),
    /// What `.` is at the start.
    Root(Rc<BTreeMap<String, String>>),
}

impl Value {
    /// A text.
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        Self::Text(text.as_ref().into())
    }

    /// Whether `if` takes its first branch: what is not empty and not zero.
    pub(super) fn truth(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Bool(flag) => *flag,
            Self::Int(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Envs(map) => !map.is_empty(),
            Self::Pair(..) | Self::Root(_) => true,
        }
    }

    /// The type in the words of upstream's language.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Nothing => "nil",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::List(_) => "list",
            Self::Pair(..) => "number pair",
            Self::Envs(_) => "map",
            Self::Root(_) => "values",
        }
    }

    /// `.name` of this value.
    pub(super) fn field(&self, name: &str) -> Result<Self, String> {
        match (self, name) {
            (Self::Root(map), "Envs") => Ok(Self::Envs(Rc::clone(map))),
            (Self::Envs(map), _) => Ok(map.get(name).map_or(Self::Nothing, Self::text)),
            (Self::Pair(first, _), "First") => Ok(Self::Int(*first)),
            (Self::Pair(_, second), "Second") => Ok(Self::Int(*second)),
            (Self::Nothing, _) => Err(format!("nil pointer evaluating .{name}")),
            _ => Err(format!(
                "can't evaluate field {name} in type {}",
                self.kind()
            )),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("<nil>"),
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    let gap = if index == 0 { "" } else { " " };
                    write!(f, "{gap}{item}")?;
                }
                f.write_str("]")
            }
            Self::Pair(first, second) => write!(f, "{{{first} {second}}}"),
            Self::Envs(map) => write_map(f, map),
            Self::Root(map) => {
                f.write_str("{")?;
                write_map(f, map)?;
                f.write_str("}")
            }
        }
    }
}

fn write_map(f: &mut fmt::Formatter<'_>, map: &BTreeMap<String, String>) -> fmt::Result {
    f.write_str("map[")?;
    for (index, (key, value)) in map.iter().enumerate() {
        let gap = if index == 0 { "" } else { " " };
        write!(f, "{gap}{key}:{value}")?;
    }
    f.write_str("]")
}
