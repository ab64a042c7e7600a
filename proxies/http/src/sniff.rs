//! What the first bytes of a connection say, decided without reading or waiting.
//!
//! Every function takes all the bytes seen so far and never panics, whatever they are.

use std::borrow::Cow;

#[cfg(test)]
mod tests;

/// What a look at the first bytes gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sniff<T> {
    /// Too little to tell; another look is worth it once there are at least this many bytes.
    NeedMore(usize),
    /// This is it.
    Found(T),
    /// This is something else, and more bytes will not change that.
    No,
}

/// The longest ClientHello looked at, record heads included. Go's crypto/tls takes handshake
/// messages up to 65536 bytes; a real one has 0.2 to 2 kB.
pub const MAX_HELLO: usize = 64 * 1024;

/// The first bytes of an HTTP/2 connection with prior knowledge (RFC 9113 3.4).
pub const H2_PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Whether a connection speaks HTTP/2 with prior knowledge.
#[must_use]
pub fn h2_preface(bytes: &[u8]) -> Sniff<()> {
    if bytes.starts_with(H2_PREFACE) {
        Sniff::Found(())
    } else if H2_PREFACE.starts_with(bytes) {
        Sniff::NeedMore(H2_PREFACE.len())
    } else {
        Sniff::No
    }
}

/// The server name in a TLS ClientHello, `""` when it names none (RFC 8446 4.1.2, RFC 6066 3).
///
/// The message may be cut into several records at any byte.
#[must_use]
pub fn server_name(bytes: &[u8]) -> Sniff<String> {
    match client_hello(bytes) {
        Sniff::Found(body) => hello_name(&body).map_or(Sniff::No, Sniff::Found),
        Sniff::NeedMore(at_least) if at_least > MAX_HELLO => Sniff::No,
        Sniff::NeedMore(at_least) => Sniff::NeedMore(at_least),
        Sniff::No => Sniff::No,
    }
}

/// Content type of a handshake record, and type of a ClientHello in it (RFC 8446 5.1, 4).
const HANDSHAKE: u8 = 0x16;
const CLIENT_HELLO: u8 = 1;
/// Length of a record's head, and of a handshake message's.
const RECORD_HEAD: usize = 5;
const MESSAGE_HEAD: usize = 4;
/// The most bytes in a plaintext record (RFC 8446 5.1).
const MAX_RECORD: usize = 1 << 14;

/// The body of a ClientHello out of its records; borrowed when one record holds all of it.
fn client_hello(bytes: &[u8]) -> Sniff<Cow<'_, [u8]>> {
    let mut rest = bytes;
    let mut message = Cow::Borrowed(&[][..]);
    loop {
        let seen = bytes.len() - rest.len();
        if !may_be_record(rest) {
            return Sniff::No;
        }
        let Some((head, tail)) = rest.split_at_checked(RECORD_HEAD) else {
            return Sniff::NeedMore(seen + RECORD_HEAD);
        };
        let len = Reader(head.get(3..).unwrap_or_default()).u16().unwrap_or(0);
        if len == 0 || len > MAX_RECORD {
            return Sniff::No;
        }
        let part = tail.get(..len).unwrap_or(tail);
        if message.is_empty() {
            message = Cow::Borrowed(part);
        } else {
            message.to_mut().extend_from_slice(part);
        }
        match whole_message(&message) {
            Sniff::Found(end) => return Sniff::Found(cut(message, end)),
            Sniff::NeedMore(_) if part.len() == len => {}
            Sniff::NeedMore(_) => return Sniff::NeedMore(seen + RECORD_HEAD + len),
            Sniff::No => return Sniff::No,
        }
        rest = tail.get(len..).unwrap_or_default();
    }
}

/// Whether the bytes begin like a TLS handshake record, as far as they go.
fn may_be_record(bytes: &[u8]) -> bool {
    bytes.first().is_none_or(|kind| *kind == HANDSHAKE)
        && bytes.get(1).is_none_or(|major| *major == 3)
}

/// Where a ClientHello message ends in `message`.
fn whole_message(message: &[u8]) -> Sniff<usize> {
    if message.first().is_some_and(|kind| *kind != CLIENT_HELLO) {
        return Sniff::No;
    }
    let Some(len) = Reader(message.get(1..).unwrap_or_default()).u24() else {
        return Sniff::NeedMore(MESSAGE_HEAD);
    };
    let end = MESSAGE_HEAD + len;
    if end > MAX_HELLO {
        Sniff::No
    } else if message.len() < end {
        Sniff::NeedMore(end)
    } else {
        Sniff::Found(end)
    }
}

/// The body of a message that ends at `end`, without the message's head.
fn cut(message: Cow<'_, [u8]>, end: usize) -> Cow<'_, [u8]> {
    match message {
        Cow::Borrowed(all) => Cow::Borrowed(all.get(MESSAGE_HEAD..end).unwrap_or_default()),
        Cow::Owned(all) => Cow::Owned(all.get(MESSAGE_HEAD..end).unwrap_or_default().to_vec()),
    }
}

/// The host name in a ClientHello's body; `None` when the body is malformed.
fn hello_name(body: &[u8]) -> Option<String> {
    let mut hello = Reader(body);
    let _version_and_random = hello.take(2 + 32)?;
    let _session = hello.vec8()?;
    let _suites = hello.vec16()?;
    let _compressions = hello.vec8()?;
    if hello.0.is_empty() {
        return Some(String::new());
    }
    let mut extensions = Reader(hello.vec16()?);
    while !extensions.0.is_empty() {
        let kind = extensions.u16()?;
        let value = extensions.vec16()?;
        if kind == 0 {
            return first_host_name(value);
        }
    }
    Some(String::new())
}

/// The first name of type `host_name` in the extension's list.
fn first_host_name(extension: &[u8]) -> Option<String> {
    let mut names = Reader(Reader(extension).vec16()?);
    while !names.0.is_empty() {
        let kind = names.u8()?;
        let name = names.vec16()?;
        if kind == 0 {
            let text = std::str::from_utf8(name).ok()?;
            return text.is_ascii().then(|| text.to_owned());
        }
    }
    Some(String::new())
}

/// Takes TLS's length-prefixed fields off the front of bytes.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(front)
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        Some(
            self.take(bytes)?
                .iter()
                .fold(0, |n, b| n << 8 | usize::from(*b)),
        )
    }

    fn u8(&mut self) -> Option<usize> {
        self.number(1)
    }

    fn u16(&mut self) -> Option<usize> {
        self.number(2)
    }

    fn u24(&mut self) -> Option<usize> {
        self.number(3)
    }

    fn vec8(&mut self) -> Option<&'a [u8]> {
        let n = self.u8()?;
        self.take(n)
    }

    fn vec16(&mut self) -> Option<&'a [u8]> {
        let n = self.u16()?;
        self.take(n)
    }
}
