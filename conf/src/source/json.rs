//! JSON text to the tree, with lines (RFC 8259).

use std::collections::BTreeMap;

use super::{MOST_DEPTH, TextError, newlines, table};
use crate::tree::{Node, Value};

/// Reads the first value of `text`. What follows it is not looked at, as upstream does.
pub(super) fn parse(text: &str) -> Result<Node, TextError> {
    let mut reader = Reader {
        rest: text,
        text,
        depth: 0,
        line: 1,
    };
    let node = reader.value()?;
    Ok(node.unwrap_or_else(|| Node {
        line: 1,
        value: Value::Table(Vec::new()),
    }))
}

struct Reader<'t> {
    text: &'t str,
    rest: &'t str,
    line: u32,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn failed(&self, message: &str) -> TextError {
        let before = self.text.len() - self.rest.len();
        let line_start = self
            .text
            .get(..before)
            .and_then(|t| t.rfind('\n'))
            .map_or(0, |at| at + 1);
        let column = self
            .text
            .get(line_start..before)
            .map_or(0, |t| t.chars().count())
            + 1;
        TextError {
            line: self.line,
            column,
            message: message.to_owned(),
        }
    }

    fn take(&mut self, length: usize) -> &'t str {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .unwrap_or((self.rest, ""));
        self.line += newlines(taken);
        self.rest = rest;
        taken
    }

    /// The next character after white space, which stays.
    fn peek(&mut self) -> Option<char> {
        let trimmed = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        self.take(self.rest.len() - trimmed.len());
        self.rest.chars().next()
    }

    fn eat(&mut self, sign: char) -> bool {
        let found = self.peek() == Some(sign);
        if found {
            self.take(sign.len_utf8());
        }
        found
    }

    fn word(&mut self, word: &str) -> Result<(), TextError> {
        if !self.rest.starts_with(word) {
            return Err(self.failed("invalid character looking for beginning of value"));
        }
        self.take(word.len());
        Ok(())
    }

    /// A value; `None` for null.
    fn value(&mut self) -> Result<Option<Node>, TextError> {
        let first = self.peek();
        let line = self.line;
        let value = match first {
            Some('{') => self.nested(Self::object)?,
            Some('[') => self.nested(Self::array)?,
            Some('"') => Value::String(self.string()?),
            Some('t') => self.word("true").map(|()| Value::Bool(true))?,
            Some('f') => self.word("false").map(|()| Value::Bool(false))?,
            Some('n') => return self.word("null").map(|()| None),
            Some('-' | '0'..='9') => self.number()?,
            None => return Err(self.failed("unexpected end of JSON input")),
            Some(_) => {
                return Err(self.failed("invalid character looking for beginning of value"));
            }
        };
        Ok(Some(Node { line, value }))
    }

    fn nested(
        &mut self,
        inside: fn(&mut Self) -> Result<Value, TextError>,
    ) -> Result<Value, TextError> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return Err(self.failed("exceeded max depth"));
        }
        self.take(1);
        let value = inside(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Value, TextError> {
        let mut entries = BTreeMap::new();
        if self.eat('}') {
            return Ok(Value::Table(Vec::new()));
        }
        loop {
            if self.peek() != Some('"') {
                return Err(self.failed("looking for beginning of object key string"));
            }
            let line = self.line;
            let key = self.string()?;
            if !self.eat(':') {
                return Err(self.failed("invalid character after object key"));
            }
            // The last of two entries with one key counts.
            let value = self.value()?.map(|node| Node { line, ..node });
            entries.insert(key, value);
            if self.eat('}') {
                return Ok(table(entries));
            }
            if !self.eat(',') {
                return Err(self.failed("invalid character after object key:value pair"));
            }
        }
    }

    fn array(&mut self) -> Result<Value, TextError> {
        let mut items = Vec::new();
        if self.eat(']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.extend(self.value()?);
            if self.eat(']') {
                return Ok(Value::Array(items));
            }
            if !self.eat(',') {
                return Err(self.failed("invalid character after array element"));
            }
        }
    }

    fn number(&mut self) -> Result<Value, TextError> {
        let is_part = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let written = self.rest.get(..end).unwrap_or("");
        let value = number(written).ok_or_else(|| self.failed("invalid number"))?;
        self.take(end);
        Ok(value)
    }

    fn string(&mut self) -> Result<String, TextError> {
        self.take(1);
        let mut text = String::new();
        loop {
            let plain = self.rest.find(|c: char| c == '"' || c == '\\' || c < ' ');
            let Some(plain) = plain else {
                return Err(self.failed("unexpected end of JSON input"));
            };
            text.push_str(self.take(plain));
            match self.rest.as_bytes().first() {
                Some(b'"') => {
                    self.take(1);
                    return Ok(text);
                }
                Some(b'\\') => {
                    let c = self.escape()?;
                    text.push(c);
                }
                _ => return Err(self.failed("invalid character in string literal")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, TextError> {
        let plain = match self.rest.as_bytes().get(1) {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.failed("invalid character in string escape code")),
        };
        self.take(2);
        Ok(plain)
    }

    /// `\uXXXX`, or two of them; half a pair is the replacement character.
    fn unicode(&mut self) -> Result<char, TextError> {
        let unit = |text: &str| {
            let digits = text.strip_prefix("\\u")?.get(..4)?;
            let plain = digits.bytes().all(|b| b.is_ascii_hexdigit());
            plain
                .then(|| u16::from_str_radix(digits, 16).ok())
                .flatten()
        };
        let first = unit(self.rest)
            .ok_or_else(|| self.failed("invalid character in \\u hexadecimal character escape"))?;
        self.take(6);
        let second = unit(self.rest);
        let units = [Some(first), second].into_iter().flatten();
        let pair = char::decode_utf16(units).next();
        if (0xD800..0xDC00).contains(&first) && matches!(pair, Some(Ok(_))) {
            self.take(6);
        }
        Ok(pair
            .and_then(Result::ok)
            .unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

/// A number as JSON has it; `None` for what is none.
fn number(written: &str) -> Option<Value> {
    let digits = written.strip_prefix('-').unwrap_or(written);
    let whole = digits.bytes().take_while(u8::is_ascii_digit).count();
    let leading_zero = digits.starts_with('0') && whole > 1;
    if whole == 0 || leading_zero || !digits.ends_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if whole == digits.len() {
        let number = written.parse().map(Value::Int);
        return Some(number.unwrap_or_else(|_| Value::Huge(written.to_owned())));
    }
    if digits.contains(".e") || digits.contains(".E") {
        return None;
    }
    let number: f64 = written.parse().ok()?;
    Some(if number.is_finite() {
        Value::Float(number)
    } else {
        Value::Huge(written.to_owned())
    })
}
