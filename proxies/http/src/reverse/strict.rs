//! Refuses requests that two HTTP/1 parsers could read differently (RFC 9112 2.2, 5.2, 6.3, 11.2).
//!
//! The scanner walks over the same bytes that hyper reads. It follows where each message ends and
//! refuses what hyper would accept although its meaning is in doubt: a length given twice or in
//! two ways, a transfer coding other than `chunked`, folded lines, chunk extensions that are none,
//! trailers that belong in the head, and line ends that are not CR LF. It answers nothing itself
//! and decides no route: hyper's parse is the only one that does.

/// The longest line scanned: hyper's read buffer for a head is shorter, and answers 431 first.
const MAX_LINE: usize = 128 * 1024;
/// The longest chunk-size line. Extensions mean nothing to us and are hardly ever sent.
const MAX_CHUNK_LINE: usize = 4096;

/// What may be done with a piece of input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All of it may be read.
    Pass,
    /// The bytes before this offset may be read; what follows must never be.
    Refuse(usize),
    /// The bytes before this offset may be read; what follows may be another protocol, which is
    /// known once the request has been answered.
    Wait(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Before a request line; empty lines are skipped.
    Start,
    /// In the header lines.
    Head,
    /// In a body with this many bytes left.
    Body(u64),
    ChunkSize,
    /// In a chunk with this many bytes left.
    Chunk(u64),
    ChunkEnd,
    Trailers,
    /// Behind a request that asks to leave HTTP.
    Wait,
    /// HTTP has been left.
    Raw,
}

/// What a head said about its message.
#[derive(Clone, Copy, Debug, Default)]
struct Head {
    length: Option<u64>,
    chunked: bool,
    leaves: bool,
    connect: bool,
}

/// A refused line.
struct Refused;

/// Follows the requests of one connection.
#[derive(Debug)]
pub(crate) struct Scanner {
    at: At,
    head: Head,
    /// The beginning of a line whose end has not come.
    partial: Vec<u8>,
    /// How many heads were complete.
    heads: u64,
}

impl Scanner {
    pub(crate) const fn new() -> Self {
        Self {
            at: At::Start,
            head: Head::none(),
            partial: Vec::new(),
            heads: 0,
        }
    }

    /// Whether a head has begun and is not complete.
    pub(super) const fn in_head(&self) -> bool {
        matches!(self.at, At::Head) || matches!(self.at, At::Start) && !self.partial.is_empty()
    }

    /// How many heads were complete so far.
    pub(super) const fn heads(&self) -> u64 {
        self.heads
    }

    /// Whether it is unknown what protocol the next byte belongs to.
    pub(crate) fn waits(&self) -> bool {
        self.at == At::Wait
    }

    /// Goes on after [`Verdict::Wait`]: with another protocol if `left`, or the next request.
    pub(super) fn settle(&mut self, left: bool) {
        self.at = if left { At::Raw } else { At::Start };
    }

    /// Looks at the next bytes.
    pub(crate) fn scan(&mut self, input: &[u8]) -> Verdict {
        let mut rest = input;
        while !rest.is_empty() {
            let offset = input.len() - rest.len();
            rest = match self.at {
                At::Raw => return Verdict::Pass,
                At::Wait => return Verdict::Wait(offset),
                At::Body(left) => {
                    let (left, rest) = skip(left, rest);
                    if left == 0 {
                        self.message_ends();
                    } else {
                        self.at = At::Body(left);
                    }
                    rest
                }
                At::Chunk(left) => {
                    let (left, rest) = skip(left, rest);
                    self.at = if left == 0 {
                        At::ChunkEnd
                    } else {
                        At::Chunk(left)
                    };
                    rest
                }
                _ => match self.line_of(rest) {
                    Ok(rest) => rest,
                    Err(at) => return Verdict::Refuse(offset + at),
                },
            };
        }
        Verdict::Pass
    }

    /// Takes a line, or the beginning of one, off `rest`; `Err` is where it must not be read on.
    fn line_of<'a>(&mut self, rest: &'a [u8]) -> Result<&'a [u8], usize> {
        let ends_with_cr = self.partial.last() == Some(&b'\r');
        let stop = rest.iter().position(|b| matches!(b, b'\r' | b'\n'));
        let (lf, line) = match (ends_with_cr, stop) {
            (true, _) => (0, None),
            (false, Some(cr)) if rest.get(cr) == Some(&b'\r') => (cr + 1, rest.get(..cr)),
            (false, Some(bare_lf)) => return Err(bare_lf),
            (false, None) => return self.keep(rest),
        };
        match rest.get(lf) {
            Some(b'\n') => {}
            Some(_) => return Err(lf),
            None => return self.keep(rest),
        }
        let refused = if self.partial.is_empty() {
            self.line(line.unwrap_or_default())
        } else {
            let mut whole = std::mem::take(&mut self.partial);
            whole.extend_from_slice(line.unwrap_or_default());
            let whole = whole.strip_suffix(b"\r").unwrap_or(&whole);
            self.line(whole)
        };
        refused.map_err(|Refused| lf)?;
        Ok(rest.get(lf + 1..).unwrap_or_default())
    }

    /// Keeps the beginning of a line until the rest comes.
    fn keep<'a>(&mut self, rest: &'a [u8]) -> Result<&'a [u8], usize> {
        let most = if self.at == At::ChunkSize {
            MAX_CHUNK_LINE
        } else {
            MAX_LINE
        };
        if self.partial.len() + rest.len() > most {
            return Err(0);
        }
        self.partial.extend_from_slice(rest);
        Ok(&[])
    }

    /// Takes a whole line, without its end.
    fn line(&mut self, line: &[u8]) -> Result<(), Refused> {
        match self.at {
            At::Start if line.is_empty() => Ok(()),
            At::Start => {
                let connect = line.starts_with(b"CONNECT ");
                self.head = Head {
                    connect,
                    leaves: connect,
                    ..Head::none()
                };
                self.at = At::Head;
                Ok(())
            }
            At::Head if line.is_empty() => self.head_ends(),
            At::Head => self.head.line(line),
            At::ChunkSize => {
                let size = chunk_size(line)?;
                self.at = if size == 0 {
                    At::Trailers
                } else {
                    At::Chunk(size)
                };
                Ok(())
            }
            At::ChunkEnd if line.is_empty() => {
                self.at = At::ChunkSize;
                Ok(())
            }
            At::Trailers if line.is_empty() => {
                self.message_ends();
                Ok(())
            }
            At::Trailers => trailer(line),
            At::ChunkEnd | At::Body(_) | At::Chunk(_) | At::Wait | At::Raw => Err(Refused),
        }
    }

    fn head_ends(&mut self) -> Result<(), Refused> {
        self.heads += 1;
        match (self.head.length, self.head.chunked) {
            (Some(_), true) => return Err(Refused),
            // A CONNECT has no body (RFC 9110 9.3.6): a length would be read in two ways.
            (Some(1..), false) | (None, true) if self.head.connect => return Err(Refused),
            (None, true) => self.at = At::ChunkSize,
            (Some(left @ 1..), false) => self.at = At::Body(left),
            (None | Some(0), false) => self.message_ends(),
        }
        Ok(())
    }

    fn message_ends(&mut self) {
        self.at = if self.head.leaves {
            At::Wait
        } else {
            At::Start
        };
    }
}

impl Head {
    const fn none() -> Self {
        Self {
            length: None,
            chunked: false,
            leaves: false,
            connect: false,
        }
    }

    /// Takes a header line that says where the message ends, or that HTTP does.
    fn line(&mut self, line: &[u8]) -> Result<(), Refused> {
        not_folded(line)?;
        let colon = line.iter().position(|b| *b == b':').ok_or(Refused)?;
        let (name, value) = line.split_at_checked(colon).ok_or(Refused)?;
        match name.len() {
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                let length = number(field_value(value), 10).ok_or(Refused)?;
                if self.chunked || self.length.replace(length).is_some() {
                    return Err(Refused);
                }
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                let chunked = field_value(value).eq_ignore_ascii_case(b"chunked");
                if !chunked || self.chunked || self.length.is_some() {
                    return Err(Refused);
                }
                self.chunked = true;
            }
            7 if name.eq_ignore_ascii_case(b"upgrade") => self.leaves = true,
            _ => {}
        }
        Ok(())
    }
}

/// The value behind a header's colon, without the blanks around it.
fn field_value(from_colon: &[u8]) -> &[u8] {
    let value = from_colon.get(1..).unwrap_or_default();
    let blank = |b: &u8| matches!(b, b' ' | b'\t');
    let start = value.iter().position(|b| !blank(b)).unwrap_or(value.len());
    let end = value
        .iter()
        .rposition(|b| !blank(b))
        .map_or(start, |last| last + 1);
    value.get(start..end).unwrap_or_default()
}

/// A number of at most 15 digits, so that it cannot overflow; hyper's limit is of the same order.
fn number(digits: &[u8], radix: u32) -> Option<u64> {
    if digits.is_empty() || digits.len() > 15 {
        return None;
    }
    digits.iter().try_fold(0, |n: u64, digit| {
        let digit = char::from(*digit).to_digit(radix)?;
        Some(n * u64::from(radix) + u64::from(digit))
    })
}

/// A chunk's size, and extensions that must be well-formed although they mean nothing (RFC 9112
/// 7.1.1): what a parser does with others cannot be told.
fn chunk_size(line: &[u8]) -> Result<u64, Refused> {
    let end = line.iter().position(|b| *b == b';').unwrap_or(line.len());
    let (digits, mut rest) = line.split_at_checked(end).ok_or(Refused)?;
    while let Some(extension) = rest.strip_prefix(b";") {
        rest = after_token(extension.trim_ascii_start()).ok_or(Refused)?;
        if let Some(value) = rest.trim_ascii_start().strip_prefix(b"=") {
            let value = value.trim_ascii_start();
            rest = after_quoted(value)
                .or_else(|| after_token(value))
                .ok_or(Refused)?;
        }
        rest = rest.trim_ascii_start();
    }
    if rest.is_empty() {
        number(digits, 16).ok_or(Refused)
    } else {
        Err(Refused)
    }
}

/// What stands behind a token (RFC 9110 5.6.2).
fn after_token(text: &[u8]) -> Option<&[u8]> {
    let in_token = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
    let end = text.iter().position(|b| !in_token(b)).unwrap_or(text.len());
    text.get(end..).filter(|_| end > 0)
}

/// What stands behind a quoted string (RFC 9110 5.6.4).
fn after_quoted(text: &[u8]) -> Option<&[u8]> {
    let mut bytes = text.strip_prefix(b"\"")?.iter();
    loop {
        let byte = match bytes.next()? {
            b'"' => return Some(bytes.as_slice()),
            b'\\' => bytes.next()?,
            byte => byte,
        };
        if byte.is_ascii_control() && *byte != b'\t' {
            return None;
        }
    }
}

/// A trailer, which must not be a field that counts before the body (RFC 9110 6.5.1): a parser
/// that merges trailers into the head would read another message.
fn trailer(line: &[u8]) -> Result<(), Refused> {
    not_folded(line)?;
    let colon = line.iter().position(|b| *b == b':').ok_or(Refused)?;
    let name = line.get(..colon).unwrap_or_default();
    let counts = [
        &b"content-length"[..],
        b"transfer-encoding",
        b"host",
        b"trailer",
        b"connection",
        b"upgrade",
        b"authorization",
        b"proxy-authorization",
    ];
    let whole = after_token(name).is_some_and(<[u8]>::is_empty);
    if whole && !counts.iter().any(|other| name.eq_ignore_ascii_case(other)) {
        Ok(())
    } else {
        Err(Refused)
    }
}

fn not_folded(line: &[u8]) -> Result<(), Refused> {
    match line.first() {
        Some(b' ' | b'\t') => Err(Refused),
        _ => Ok(()),
    }
}

fn skip(left: u64, input: &[u8]) -> (u64, &[u8]) {
    let here = usize::try_from(left).unwrap_or(usize::MAX);
    match input.split_at_checked(here) {
        Some((_, rest)) => (0, rest),
        None => (
            left.saturating_sub(u64::try_from(input.len()).unwrap_or(u64::MAX)),
            &[],
        ),
    }
}

#[cfg(test)]
mod tests;
