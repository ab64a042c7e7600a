//! The functions that templates may call.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::value::Value;
use super::{Functions, MOST_NUMBERS, printf};

/// Functions of every template.
const COMMON: [&str; 14] = [
    "and", "eq", "ge", "gt", "index", "le", "len", "lt", "ne", "not", "or", "print", "printf",
    "println",
];

/// What upstream adds (pkg/config/template.go).
const NUMBERS: [&str; 2] = ["parseNumberRange", "parseNumberRangePair"];

/// Whether there is a function `name`.
pub(super) fn exists(name: &str, functions: Functions) -> bool {
    COMMON.contains(&name) || (functions == Functions::All && NUMBERS.contains(&name))
}

/// Calls `name`, which exists and is neither `and` nor `or`.
pub(super) fn call(name: &str, arguments: &[Value]) -> Result<Value, String> {
    match (name, arguments) {
        ("not", [one]) => Ok(Value::Bool(!one.truth())),
        ("len", [one]) => length(one),
        ("index", [from, keys @ ..]) => keys.iter().try_fold(from.clone(), index),
        ("eq", [one, others @ ..]) if !others.is_empty() => {
            let mut same = false;
            for other in others {
                same = same || equal(one, other)?;
            }
            Ok(Value::Bool(same))
        }
        ("ne", [a, b]) => Ok(Value::Bool(!equal(a, b)?)),
        ("lt", [a, b]) => Ok(Value::Bool(order(a, b)?.is_lt())),
        ("le", [a, b]) => Ok(Value::Bool(order(a, b)?.is_le())),
        ("gt", [a, b]) => Ok(Value::Bool(order(a, b)?.is_gt())),
        ("ge", [a, b]) => Ok(Value::Bool(order(a, b)?.is_ge())),
        ("print", all) => Ok(Value::text(print(all))),
        ("println", all) => {
            let words: Vec<String> = all.iter().map(Value::to_string).collect();
            Ok(Value::text(words.join(" ") + "\n"))
        }
        ("printf", [Value::Text(format), rest @ ..]) => {
            printf::printf(format, rest).map(Value::text)
        }
        ("parseNumberRange", [Value::Text(text)]) => Ok(Value::List(
            numbers(text)?.into_iter().map(Value::Int).collect(),
        )),
        ("parseNumberRangePair", [Value::Text(first), Value::Text(second)]) => {
            let (first, second) = (numbers(first)?, numbers(second)?);
            if first.len() != second.len() {
                return Err("first and second range numbers are not in pairs".to_owned());
            }
            let pairs = first.into_iter().zip(second);
            Ok(Value::List(pairs.map(|(a, b)| Value::Pair(a, b)).collect()))
        }
        _ => {
            let kinds: Vec<&str> = arguments.iter().map(Value::kind).collect();
            Err(format!("wrong arguments ({})", kinds.join(", ")))
        }
    }
}

/// `1-3,5` as numbers; ends belong to a range (upstream: pkg/util/util/util.go).
pub(crate) fn numbers(text: &str) -> Result<Vec<i64>, String> {
    let mut all = Vec::new();
    let number = |word: &str| {
        let word = word.trim();
        let plain = word.parse::<i64>();
        plain.map_err(|_| format!("range number is invalid, {word:?} is no number"))
    };
    for part in text.trim().split(',') {
        let (first, last) = match part.split('-').collect::<Vec<_>>().as_slice() {
            [one] => {
                let one = number(one)?;
                (one, one)
            }
            [first, last] => (number(first)?, number(last)?),
            _ => return Err("range number is invalid".to_owned()),
        };
        if last < first {
            return Err("range number is invalid".to_owned());
        }
        let room = MOST_NUMBERS.saturating_sub(all.len());
        let count = last
            .checked_sub(first)
            .and_then(|count| usize::try_from(count).ok());
        if count.is_none_or(|count| count >= room) {
            return Err(format!(
                "range number is invalid, more than {MOST_NUMBERS} numbers"
            ));
        }
        all.extend(first..=last);
    }
    Ok(all)
}

fn length(value: &Value) -> Result<Value, String> {
    let length = match value {
        Value::Text(text) => text.len(),
        Value::List(items) => items.len(),
        Value::Envs(map) => map.len(),
        other => return Err(format!("len of type {}", other.kind())),
    };
    i64::try_from(length)
        .map(Value::Int)
        .map_err(|_| "too long".to_owned())
}

fn index(from: Value, key: &Value) -> Result<Value, String> {
    let at = |number: &i64| usize::try_from(*number).ok();
    match (&from, key) {
        (Value::Envs(map), Value::Text(key)) => Ok(variable(map, key)),
        (Value::List(items), Value::Int(number)) => at(number)
            .and_then(|at| items.get(at).cloned())
            .ok_or_else(|| format!("index out of range: {number}")),
        (Value::Text(text), Value::Int(number)) => at(number)
            .and_then(|at| text.as_bytes().get(at))
            .map(|byte| Value::Int(i64::from(*byte)))
            .ok_or_else(|| format!("index out of range: {number}")),
        _ => Err(format!(
            "can't index item of type {} by {}",
            from.kind(),
            key.kind()
        )),
    }
}

/// A variable by `index`: the empty text if it is missing, not `<no value>`.
fn variable(map: &Rc<BTreeMap<String, String>>, key: &str) -> Value {
    Value::text(map.get(key).map_or("", String::as_str))
}

fn equal(a: &Value, b: &Value) -> Result<bool, String> {
    match (a, b) {
        (Value::Nothing, _) | (_, Value::Nothing) => Ok(a == b),
        _ if std::mem::discriminant(a) != std::mem::discriminant(b) => {
            Err("incompatible types for comparison".to_owned())
        }
        (Value::List(_) | Value::Envs(_) | Value::Root(_), _) => {
            Err("invalid type for comparison".to_owned())
        }
        _ => Ok(a == b),
    }
}

fn order(a: &Value, b: &Value) -> Result<Ordering, String> {
    let found = match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        _ => None,
    };
    found.ok_or_else(|| "incompatible types for comparison".to_owned())
}

/// Values one after the other; a space between two that are both no text.
fn print(values: &[Value]) -> String {
    let mut all = String::new();
    let mut after_text = true;
    for value in values {
        let is_text = matches!(value, Value::Text(_));
        if !after_text && !is_text {
            all.push(' ');
        }
        all.push_str(&value.to_string());
        after_text = is_text;
    }
    all
}
