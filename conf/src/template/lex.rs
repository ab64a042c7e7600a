//! From text to tokens: what stands outside of `{{ }}`, and the words inside.

use super::{Failed, Reason};

/// One token inside of an action.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name: a keyword or a function.
    Word(String),
    /// `.name`.
    Field(String),
    /// `$` or `$name`.
    Variable(String),
    /// `.` alone.
    Dot,
    /// A text in quotes.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// `|`, `(`, `)`, `,`, `=`; and `:` for `:=`.
    Sign(char),
}

/// A token, and whether a space stands before it, which tells `$a.B` from `$a .B`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spaced {
    /// The token.
    pub token: Token,
    /// A space before it.
    pub after_space: bool,
}

/// A piece of the text.
#[derive(Debug)]
pub(super) enum Piece<'t> {
    /// Text that is printed as it is.
    Text(&'t str),
    /// The tokens of one `{{ }}`.
    Action(Vec<Spaced>),
}

/// A piece and the line where it begins.
pub(super) type Placed<'t> = (u32, Piece<'t>);

/// Cuts `text` into pieces; white space beside `{{-` and `-}}` is gone.
pub(super) fn pieces(text: &str) -> Result<Vec<Placed<'_>>, Failed> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut line = 1;
    let mut trim_start = false;
    loop {
        let (before, action) = match rest.split_once("{{") {
            Some((before, action)) => (before, Some(action)),
            None => (rest, None),
        };
        let trim_end = action.is_some_and(|a| trims(a.strip_prefix('-'), char::is_whitespace));
        let mut shown = before;
        let mut shown_line = line;
        if trim_start {
            shown = shown.trim_start();
            shown_line += newlines(before.get(..before.len() - shown.len()).unwrap_or(""));
        }
        if trim_end {
            shown = shown.trim_end();
        }
        if !shown.is_empty() {
            pieces.push((shown_line, Piece::Text(shown)));
        }
        line += newlines(before);
        let Some(action) = action else {
            return Ok(pieces);
        };
        let action = if trim_end {
            action.get(1..).unwrap_or("")
        } else {
            action
        };
        let (tokens, after) = if let Some(comment) = comment_of(action) {
            (
                None,
                comment.ok_or_else(|| Failed::at(line, "unclosed comment"))?,
            )
        } else {
            let (tokens, after) = tokens(action, line)?;
            (Some(tokens), after)
        };
        if let Some(tokens) = tokens {
            pieces.push((line, Piece::Action(tokens)));
        }
        let used = action.len() - after.0.len();
        line += newlines(action.get(..used).unwrap_or(""));
        (rest, trim_start) = after;
    }
}

fn newlines(text: &str) -> u32 {
    let count = text.bytes().filter(|b| *b == b'\n').count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn trims(after_dash: Option<&str>, is_space: impl Fn(char) -> bool) -> bool {
    after_dash
        .and_then(|rest| rest.chars().next())
        .is_some_and(is_space)
}

/// The text after an action, and whether its white space is to go.
type After<'t> = (&'t str, bool);

/// What follows a comment, if `action` is one; inside `None` if it does not end.
fn comment_of(action: &str) -> Option<Option<After<'_>>> {
    let body = action
        .strip_prefix("/*")
        .or_else(|| action.trim_start().strip_prefix("/*"))?;
    let after = body.split_once("*/").map(|(_, after)| after);
    Some(after.and_then(end_of_action))
}

/// What follows `}}` or ` -}}`.
fn end_of_action(text: &str) -> Option<After<'_>> {
    if let Some(after) = text.strip_prefix("}}") {
        return Some((after, false));
    }
    let trimmed = text.trim_start();
    let after = trimmed.strip_prefix("-}}")?;
    (trimmed.len() < text.len()).then_some((after, true))
}

/// Reads the tokens of one action; also what follows it.
fn tokens(action: &str, line: u32) -> Result<(Vec<Spaced>, After<'_>), Failed> {
    let mut all = Vec::new();
    let mut rest = action;
    let mut at = line;
    loop {
        if let Some(after) = end_of_action(rest) {
            return Ok((all, after));
        }
        let trimmed = rest.trim_start();
        at += newlines(rest.get(..rest.len() - trimmed.len()).unwrap_or(""));
        let after_space = trimmed.len() < rest.len() || all.is_empty();
        if trimmed.starts_with("}}") {
            rest = trimmed;
            continue;
        }
        if trimmed.is_empty() {
            return Err(Failed::at(at, "unclosed action"));
        }
        let (token, after) = token(trimmed).map_err(|reason| Failed { line: at, reason })?;
        at += newlines(trimmed.get(..trimmed.len() - after.len()).unwrap_or(""));
        rest = after;
        all.push(Spaced { token, after_space });
    }
}

fn token(text: &str) -> Result<(Token, &str), Reason> {
    let mut chars = text.chars();
    let first = chars.next().unwrap_or(' ');
    let rest = chars.as_str();
    match first {
        '|' | '(' | ')' | ',' | '=' => Ok((Token::Sign(first), rest)),
        ':' => rest
            .strip_prefix('=')
            .map(|rest| (Token::Sign(':'), rest))
            .ok_or_else(|| Reason::from("expected :=")),
        '`' => rest
            .split_once('`')
            .map(|(raw, rest)| (Token::Text(raw.to_owned()), rest))
            .ok_or_else(|| Reason::from("unterminated raw quoted string")),
        '"' => quoted(rest, '"').map(|(text, rest)| (Token::Text(text), rest)),
        '\'' => character(rest),
        '$' => {
            let (name, rest) = word(rest);
            Ok((Token::Variable(format!("${name}")), rest))
        }
        '.' if !rest.starts_with(|c: char| c.is_ascii_digit()) => {
            let (name, after) = word(rest);
            let token = if name.is_empty() {
                Token::Dot
            } else {
                Token::Field(name.to_owned())
            };
            Ok((token, after))
        }
        '+' | '-' | '.' | '0'..='9' => number(text),
        c if c == '_' || c.is_alphabetic() => {
            let (name, rest) = word(text);
            Ok((Token::Word(name.to_owned()), rest))
        }
        c => Err(Reason::from(format!(
            "unexpected {:?} in command",
            c.to_string()
        ))),
    }
}

fn word(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| c != '_' && !c.is_alphanumeric())
        .unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn character(text: &str) -> Result<(Token, &str), Reason> {
    let (inside, rest) = quoted(text, '\'')?;
    let mut chars = inside.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Ok((Token::Int(i64::from(u32::from(c))), rest)),
        _ => Err(Reason::from("malformed character constant")),
    }
}

/// The text up to the closing `quote`, with its escapes undone.
fn quoted(text: &str, quote: char) -> Result<(String, &str), Reason> {
    let mut inside = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next() {
            Some(c) if c == quote => return Ok((inside, chars.as_str())),
            Some('\\') => inside.push(escape(&mut chars)?),
            None | Some('\n') => return Err(Reason::from("unterminated quoted string")),
            Some(c) => inside.push(c),
        }
    }
}

fn escape(chars: &mut std::str::Chars<'_>) -> Result<char, Reason> {
    let bad = || Reason::from("invalid syntax in quoted string");
    let digits = match chars.next().ok_or_else(bad)? {
        'n' => return Ok('\n'),
        't' => return Ok('\t'),
        'r' => return Ok('\r'),
        'a' => return Ok('\u{7}'),
        'b' => return Ok('\u{8}'),
        'f' => return Ok('\u{c}'),
        'v' => return Ok('\u{b}'),
        c @ ('\\' | '"' | '\'') => return Ok(c),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => return Err(bad()),
    };
    let hex: String = chars.take(digits).collect();
    let code = u32::from_str_radix(&hex, 16).map_err(|_| bad())?;
    char::from_u32(code).ok_or_else(bad)
}

fn number(text: &str) -> Result<(Token, &str), Reason> {
    let end = text
        .char_indices()
        .find(|(at, c)| {
            let sign = *at > 0 && matches!(c, '+' | '-');
            let exponent = || {
                let before = text.get(..*at).unwrap_or("");
                before.ends_with(['e', 'E']) && !before.contains(['x', 'X'])
            };
            !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-'))
                || (sign && !exponent())
        })
        .map_or(text.len(), |(at, _)| at);
    let (written, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let token = whole_number(written)
        .map(Token::Int)
        .or_else(|| {
            let number = written.replace('_', "").parse::<f64>().ok()?;
            let plain = written.bytes().any(|b| b.is_ascii_digit());
            (plain && number.is_finite()).then_some(Token::Float(number))
        })
        .ok_or_else(|| Reason::from(format!("bad number syntax: {written:?}")))?;
    Ok((token, rest))
}

/// A whole number as upstream's language writes it: `10`, `0x1f`, `0o17`, `017`, `0b1`, `1_000`.
pub(crate) fn whole_number(written: &str) -> Option<i64> {
    let (negative, digits) = match written.as_bytes().first()? {
        b'-' => (true, written.get(1..)?),
        b'+' => (false, written.get(1..)?),
        _ => (false, written),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.get(..2) {
        Some("0x") => (16, lower.get(2..)?),
        Some("0o") => (8, lower.get(2..)?),
        Some("0b") => (2, lower.get(2..)?),
        Some(_) if lower.starts_with('0') => (8, lower.get(1..)?),
        _ => (10, lower.as_str()),
    };
    let digits = digits.replace('_', "");
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    let sign = if negative { "-" } else { "" };
    i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()
}
