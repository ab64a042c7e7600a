//! What a handler is asked.

use bytes::Bytes;
use http::{HeaderMap, header::AsHeaderName};

/// What a path has in the place of each variable, still percent-encoded.
pub(super) type Variables = Vec<(&'static str, String)>;

/// A request as a handler sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    pub(super) variables: Variables,
    /// The query, decoded, in its order.
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Request {
    /// A variable of the route, decoded; `None` when it is not encoded properly or is no text.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<String> {
        let (_, raw) = self.variables.iter().find(|(n, _)| *n == name)?;
        decoded(raw, false)
    }

    /// The first value of a key of the query.
    #[must_use]
    pub fn query(&self, key: &str) -> Option<&str> {
        let (_, value) = self.query.iter().find(|(k, _)| k == key)?;
        Some(value)
    }

    /// The first value of a header; `None` also when it is no text.
    #[must_use]
    pub fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body, at most as long as the server allows.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }
}

/// Takes a query apart; what is not encoded properly is left out, as Go does.
pub(super) fn query(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .filter_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decoded(key, true)?, decoded(value, true)?))
        })
        .collect()
}

/// Undoes percent-encoding (RFC 3986, 2.1), and `+` for a space in a query; `None` when it is not
/// encoded properly or is no text.
#[must_use]
pub fn decoded(text: &str, query: bool) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        out.push(match byte {
            b'%' => nibble(rest.next()?)? << 4 | nibble(rest.next()?)?,
            b'+' if query => b' ',
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
