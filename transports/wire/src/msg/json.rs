//! JSON text as Go's `encoding/json` writes it, straight into the outgoing buffer.

use std::io::{self, Write};

use bytes::BytesMut;
use serde::{Deserialize, Serialize};
use serde_json::ser::Formatter;

use crate::error::WireError;

/// Reads the JSON object of the message called `name`.
pub(crate) fn read<'de, T: Deserialize<'de>>(
    name: &'static str,
    body: &'de [u8],
) -> Result<T, WireError> {
    serde_json::from_slice(body).map_err(|error| WireError::body(name, &error))
}

/// Appends the JSON object of the message called `name` to `out`, at most `limit` bytes; more of it
/// may have been appended when it fails.
pub(crate) fn write<T: Serialize>(
    name: &'static str,
    value: &T,
    out: &mut BytesMut,
    limit: usize,
) -> Result<(), WireError> {
    let writer = Capped { out, left: limit };
    let mut to = serde_json::Serializer::with_formatter(writer, GoText);
    value
        .serialize(&mut to)
        .map_err(|error| match error.is_io() {
            true => WireError::TooLong {
                message: name,
                limit,
            },
            false => WireError::Encode(name),
        })
}

/// A value as one line of JSON the way Go's `json.Encoder` writes it: compact, HTML characters
/// escaped, a line break behind. For answers of our own APIs, which need no limit.
///
/// # Errors
/// The value has no JSON form, such as a map whose keys are no text.
pub fn go_json<T: Serialize>(value: &T) -> Result<Vec<u8>, WireError> {
    let mut out = Vec::new();
    value
        .serialize(&mut serde_json::Serializer::with_formatter(
            &mut out, GoText,
        ))
        .map_err(|_shape| WireError::Encode("an answer"))?;
    out.push(b'\n');
    Ok(out)
}

/// Appends to a buffer up to a limit.
struct Capped<'a> {
    out: &'a mut BytesMut,
    left: usize,
}

impl Write for Capped<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.write_all(data).map(|()| data.len())
    }

    fn write_all(&mut self, data: &[u8]) -> io::Result<()> {
        let left = self
            .left
            .checked_sub(data.len())
            .ok_or(io::ErrorKind::FileTooLarge)?;
        self.left = left;
        self.out.extend_from_slice(data);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Compact JSON in which, on top of what JSON asks for, the characters that matter to HTML and to
/// JavaScript are escaped.
struct GoText;

impl Formatter for GoText {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        // Nearly no text has any of them, and this form of the question is answered many bytes at
        // a time. 0xe2 is the first byte of U+2028 and U+2029.
        let odd = |byte| (byte == b'<') | (byte == b'>') | (byte == b'&') | (byte == 0xe2);
        if !fragment.bytes().fold(false, |any, byte| any | odd(byte)) {
            return writer.write_all(fragment.as_bytes());
        }
        for piece in fragment.split_inclusive(|c| escape(c).is_some()) {
            let last = piece.chars().next_back();
            let (text, code) = match last.and_then(|c| Some((c, escape(c)?))) {
                Some((c, code)) => (piece.strip_suffix(c).unwrap_or(piece), code),
                None => (piece, ""),
            };
            writer.write_all(text.as_bytes())?;
            writer.write_all(code.as_bytes())?;
        }
        Ok(())
    }
}

fn escape(c: char) -> Option<&'static str> {
    match c {
        '<' => Some("\\u003c"),
        '>' => Some("\\u003e"),
        '&' => Some("\\u0026"),
        '\u{2028}' => Some("\\u2028"),
        '\u{2029}' => Some("\\u2029"),
        _ => None,
    }
}
