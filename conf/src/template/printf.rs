//! `printf`, with the verbs and flags that texts and numbers have.

use super::value::Value;

/// The widest field; far more than a line of a configuration needs.
const MOST_WIDTH: usize = 10_000;

/// One `%` with what belongs to it.
#[derive(Default)]
struct Verb {
    /// Of `-`, `0`, `+`, `#` and space, those that are written.
    flags: Vec<char>,
    width: usize,
    precision: Option<usize>,
}

impl Verb {
    fn has(&self, flag: char) -> bool {
        self.flags.contains(&flag)
    }
}

/// Writes `values` as `format` says. A verb that does not fit its value is written as upstream's
/// language does, `%!d(string=x)`.
pub(super) fn printf(format: &str, values: &[Value]) -> Result<String, String> {
    let mut out = String::new();
    let mut values = values.iter();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let (verb, letter) = verb(&mut chars, &mut values)?;
        match letter {
            None => out.push_str("%!(NOVERB)"),
            Some('%') => out.push('%'),
            Some(letter) => match values.next() {
                Some(value) => out.push_str(&formatted(&verb, letter, value)),
                None => out.push_str(&format!("%!{letter}(MISSING)")),
            },
        }
    }
    let extra: Vec<String> = values.map(|v| format!("{}={v}", kind(v))).collect();
    if !extra.is_empty() {
        out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    Ok(out)
}

fn verb<'v>(
    chars: &mut std::str::Chars<'_>,
    values: &mut impl Iterator<Item = &'v Value>,
) -> Result<(Verb, Option<char>), String> {
    let mut verb = Verb::default();
    let mut next = chars.next();
    while let Some(flag @ ('-' | '0' | '+' | '#' | ' ')) = next {
        if !verb.has(flag) {
            verb.flags.push(flag);
        }
        next = chars.next();
    }
    verb.width = size(&mut next, chars, values)?.unwrap_or(0);
    if next == Some('.') {
        next = chars.next();
        verb.precision = Some(size(&mut next, chars, values)?.unwrap_or(0));
    }
    Ok((verb, next))
}

/// A width or a precision: digits, or `*` for the next value.
fn size<'v>(
    next: &mut Option<char>,
    chars: &mut std::str::Chars<'_>,
    values: &mut impl Iterator<Item = &'v Value>,
) -> Result<Option<usize>, String> {
    let mut found = None;
    if *next == Some('*') {
        *next = chars.next();
        let Some(Value::Int(number)) = values.next() else {
            return Err("bad width".to_owned());
        };
        found = usize::try_from(*number).ok();
    }
    while let Some(digit) = next.and_then(|c| c.to_digit(10)) {
        let digit = usize::try_from(digit).unwrap_or(0);
        found = Some(
            found
                .unwrap_or(0_usize)
                .saturating_mul(10)
                .saturating_add(digit),
        );
        *next = chars.next();
    }
    if found.is_some_and(|size| size > MOST_WIDTH) {
        return Err(format!("a width beyond {MOST_WIDTH}"));
    }
    Ok(found)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Nothing => "<nil>",
        other => other.kind(),
    }
}

fn formatted(verb: &Verb, letter: char, value: &Value) -> String {
    let text = match (letter, value) {
        ('v', Value::Nothing) => Some("<nil>".to_owned()),
        ('s' | 'v', Value::Text(text)) => Some(cut(text, verb.precision)),
        ('s' | 'd' | 'v', Value::List(items)) => {
            let plain = Verb::default();
            let words: Vec<String> = items
                .iter()
                .map(|item| formatted(&plain, letter, item))
                .collect();
            Some(format!("[{}]", words.join(" ")))
        }
        ('q', Value::Text(text)) if verb.has('#') && !text.contains('`') => {
            Some(format!("`{}`", cut(text, verb.precision)))
        }
        ('q', Value::Text(text)) => Some(format!("{:?}", cut(text, verb.precision))),
        ('x', Value::Text(text)) => Some(text.bytes().map(|b| format!("{b:02x}")).collect()),
        ('X', Value::Text(text)) => Some(text.bytes().map(|b| format!("{b:02X}")).collect()),
        ('t' | 'v', Value::Bool(flag)) => Some(flag.to_string()),
        ('f' | 'F', Value::Float(number)) => {
            Some(format!("{number:.*}", verb.precision.unwrap_or(6)))
        }
        ('v' | 'g', Value::Float(number)) => Some(number.to_string()),
        ('c', Value::Int(number)) => {
            let c = u32::try_from(*number).ok().and_then(char::from_u32);
            Some(c.unwrap_or(char::REPLACEMENT_CHARACTER).to_string())
        }
        (_, Value::Int(number)) => return integer(verb, letter, *number),
        ('v', other) => Some(other.to_string()),
        _ => None,
    };
    match text {
        Some(text) => pad(verb, text),
        None if *value == Value::Nothing => format!("%!{letter}(<nil>)"),
        None => format!("%!{letter}({}={value})", value.kind()),
    }
}

fn cut(text: &str, precision: Option<usize>) -> String {
    text.chars().take(precision.unwrap_or(usize::MAX)).collect()
}

fn integer(verb: &Verb, letter: char, number: i64) -> String {
    let size = number.unsigned_abs();
    let digits = match letter {
        'd' | 'v' => size.to_string(),
        'x' if verb.has('#') => format!("{size:#x}"),
        'x' => format!("{size:x}"),
        'X' => format!("{size:X}"),
        'o' => format!("{size:o}"),
        'b' => format!("{size:b}"),
        _ => return format!("%!{letter}(int={number})"),
    };
    let digits = format!("{digits:0>width$}", width = verb.precision.unwrap_or(0));
    let sign = match (number < 0, verb.has('+'), verb.has(' ')) {
        (true, ..) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        (false, false, false) => "",
    };
    if verb.has('0') && !verb.has('-') && verb.precision.is_none() {
        let width = verb.width.saturating_sub(sign.len());
        return format!("{sign}{digits:0>width$}");
    }
    pad(verb, format!("{sign}{digits}"))
}

fn pad(verb: &Verb, text: String) -> String {
    let width = verb.width;
    if verb.has('-') {
        format!("{text:<width$}")
    } else {
        format!("{text:>width$}")
    }
}
