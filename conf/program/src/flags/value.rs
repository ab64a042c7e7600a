//! The values of flags, in the spellings that upstream's flags take (spf13/pflag, Go `strconv`).

use std::time::Duration;

/// Why a value is refused; the flag and the value are named by whoever shows this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadValue {
    /// Not a whole number of 64 bits.
    #[error("write a whole number")]
    Number,
    /// Neither true nor false.
    #[error("write true or false")]
    Boolean,
    /// A pair without its `=`.
    #[error("it must be formatted as key=value")]
    Pair,
    /// A quote that does not end, or ends in the middle.
    #[error("a quoted part must begin after a comma and end before one")]
    Quote,
    /// Not a list of ports.
    #[error("range number is invalid, write ports such as 1000-2000,3000")]
    Ports,
    /// Not a time.
    #[error("write a time such as 30s, 1m30s or 500ms")]
    Duration,
}

/// A whole number: decimal, or `0x`, `0o`, `0b` and a leading `0` as in Go.
pub(super) fn number(text: &str) -> Result<i64, BadValue> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let prefixes = [("0x", 16), ("0o", 8), ("0b", 2), ("0", 8)];
    let (digits, radix) = prefixes
        .iter()
        .find_map(|(prefix, radix)| Some((lower.strip_prefix(prefix)?, *radix)))
        .filter(|(digits, _)| !digits.is_empty())
        .unwrap_or((&lower, 10));
    if digits.starts_with(['+', '-']) {
        return Err(BadValue::Number);
    }
    i64::from_str_radix(&format!("{sign}{digits}"), radix).map_err(|_| BadValue::Number)
}

/// True or false in any spelling of Go's `strconv.ParseBool`.
///
/// # Errors
/// [`BadValue::Boolean`].
pub fn boolean(text: &str) -> Result<bool, BadValue> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(BadValue::Boolean),
    }
}

/// Texts between commas; one that begins with `"` goes on to the next `"` (RFC 4180).
pub(super) fn list(text: &str) -> Result<Vec<String>, BadValue> {
    let mut all = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (item, after) = match rest.strip_prefix('"') {
            Some(inside) => quoted(inside)?,
            None => match rest.find(',') {
                Some(at) => rest.split_at(at),
                None => (rest, ""),
            },
        };
        all.push(item.replace("\"\"", "\""));
        rest = match after.strip_prefix(',') {
            Some("") => {
                all.push(String::new());
                ""
            }
            Some(next) => next,
            None if after.is_empty() => "",
            None => return Err(BadValue::Quote),
        };
    }
    Ok(all)
}

/// What stands before the quote that ends, and what comes after it.
fn quoted(inside: &str) -> Result<(&str, &str), BadValue> {
    let mut from = 0;
    loop {
        let rest = inside.get(from..).ok_or(BadValue::Quote)?;
        let at = from + rest.find('"').ok_or(BadValue::Quote)?;
        let after = inside.get(at + 1..).unwrap_or_default();
        if !after.starts_with('"') {
            return Ok((inside.get(..at).unwrap_or_default(), after));
        }
        from = at + 2;
    }
}

/// Pairs between commas. A value of one pair may hold commas.
pub(super) fn pairs(text: &str) -> Result<Vec<(String, String)>, BadValue> {
    let items = match text.matches('=').count() {
        0 => return Err(BadValue::Pair),
        1 => vec![text.trim_matches('"').to_owned()],
        _ => list(text)?,
    };
    let pair = |item: &String| {
        let (key, value) = item.split_once('=').ok_or(BadValue::Pair)?;
        Ok((key.to_owned(), value.to_owned()))
    };
    items.iter().map(pair).collect()
}

/// The first and last port of every range, `1000-2000,3000`.
pub(super) fn ports(text: &str) -> Result<Vec<(i64, i64)>, BadValue> {
    let range = |part: &str| {
        let (start, end) = part.split_once('-').unwrap_or((part, part));
        let port = |text: &str| text.trim().parse::<u16>().map_err(|_| BadValue::Ports);
        let (start, end) = (port(start)?, port(end)?);
        let is_range = start <= end;
        is_range
            .then_some((start.into(), end.into()))
            .ok_or(BadValue::Ports)
    };
    text.trim().split(',').map(range).collect()
}

/// A time as Go writes it: numbers with units behind each other, such as `1m30s`.
///
/// # Errors
/// [`BadValue::Duration`].
pub fn duration(text: &str) -> Result<Duration, BadValue> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let is_digit = |c: char| c.is_ascii_digit() || c == '.';
        let end = rest.find(|c| !is_digit(c)).ok_or(BadValue::Duration)?;
        let (number, after) = rest.split_at(end);
        let end = after.find(is_digit).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" | "μs" => 1e-6,
            "ns" => 1e-9,
            _ => return Err(BadValue::Duration),
        };
        let number: f64 = number.parse().map_err(|_| BadValue::Duration)?;
        total += number * seconds;
        rest = after;
    }
    if text.is_empty() {
        return Err(BadValue::Duration);
    }
    Duration::try_from_secs_f64(total).map_err(|_| BadValue::Duration)
}

#[cfg(test)]
mod tests {
    use super::{BadValue, boolean, duration, list, number, pairs, ports};
    use std::time::Duration;

    #[test]
    fn numbers_have_the_prefixes_of_go() {
        for (text, wanted) in [
            ("7000", 7000),
            ("-1", -1),
            ("+5", 5),
            ("0", 0),
            ("0x1F", 31),
            ("010", 8),
            ("-0b11", -3),
        ] {
            assert_eq!(number(text), Ok(wanted), "{text}");
        }
        for text in ["", "-", "7k", "0x", "--1", "1.5", "99999999999999999999"] {
            assert_eq!(number(text), Err(BadValue::Number), "{text}");
        }
    }

    #[test]
    fn lists_may_quote_their_parts() {
        for (text, wanted) in [
            ("", vec![]),
            ("a", vec!["a"]),
            ("a,b", vec!["a", "b"]),
            ("a,", vec!["a", ""]),
            ("\"*\"", vec!["*"]),
            ("\"a,b\",c", vec!["a,b", "c"]),
            ("\"say \"\"x\"\"\"", vec!["say \"x\""]),
        ] {
            assert_eq!(list(text).unwrap(), wanted, "{text}");
        }
        for text in ["\"a", "\"a\"b"] {
            assert_eq!(list(text), Err(BadValue::Quote), "{text}");
        }
    }

    #[test]
    fn one_pair_may_hold_commas_several_are_a_list() {
        let of = |text| pairs(text).unwrap();
        let pair = |k: &str, v: &str| (k.to_owned(), v.to_owned());
        assert_eq!(of("a=1"), [pair("a", "1")]);
        assert_eq!(of("a=1,2"), [pair("a", "1,2")]);
        assert_eq!(of("a=1,b=2"), [pair("a", "1"), pair("b", "2")]);
        assert_eq!(pairs("a"), Err(BadValue::Pair));
        assert_eq!(pairs("a=1,b=2,c"), Err(BadValue::Pair));
    }

    #[test]
    fn ports_times_and_truth() {
        assert_eq!(ports("1-2,3").unwrap(), [(1, 2), (3, 3)]);
        for text in ["", "abc", "10-5", "1-", "70000"] {
            assert_eq!(ports(text), Err(BadValue::Ports), "{text}");
        }
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        for text in ["", "30", "s", "1y", "-1s"] {
            assert_eq!(duration(text), Err(BadValue::Duration), "{text}");
        }
        assert_eq!(boolean("T"), Ok(true));
        assert_eq!(boolean("yes"), Err(BadValue::Boolean));
    }
}
