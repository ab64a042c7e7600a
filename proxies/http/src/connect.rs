//! The head of a CONNECT request, read in pieces as strictly as any other request.

use http::HeaderValue;

use crate::{
    Basic,
    reverse::{Scanner, Verdict, may_be_in_host},
    sniff::Sniff,
};

/// The longest head. A user has a host name and credentials to say, which fit many times over.
pub const MAX_CONNECT: usize = 16 * 1024;

/// The most header lines; hyper allows as many.
const MAX_HEADERS: usize = 100;

const METHOD: &[u8] = b"CONNECT ";

/// What a CONNECT request asks for.
#[derive(Debug)]
pub struct Connect {
    /// Host and port, as the request's target has them.
    pub target: String,
    /// The credentials in `Proxy-Authorization`.
    pub given: Option<Basic>,
    /// The length of the head; what follows is for the tunnel.
    pub len: usize,
}

impl Connect {
    /// The user to route by.
    #[must_use]
    pub fn user(&self) -> &str {
        self.given.as_ref().map_or("", Basic::user)
    }
}

/// Follows the bytes of one connection up to the end of its first head.
#[derive(Debug)]
pub struct ConnectReader {
    scanner: Scanner,
    scanned: usize,
}

impl ConnectReader {
    /// A reader of a new connection.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            scanner: Scanner::new(),
            scanned: 0,
        }
    }

    /// Looks at all that was `seen` so far; each call must have what the ones before had, and more.
    /// What is not a CONNECT, or could be read in two ways, is none from its first wrong byte on.
    pub fn look(&mut self, seen: &[u8]) -> Sniff<Connect> {
        if !seen.iter().zip(METHOD).all(|(is, wanted)| is == wanted) {
            return Sniff::No;
        }
        let new = seen.get(self.scanned..).unwrap_or_default();
        let len = match self.scanner.scan(new) {
            Verdict::Refuse(_) => return Sniff::No,
            Verdict::Wait(at) => self.scanned + at,
            Verdict::Pass => seen.len(),
        };
        self.scanned = seen.len();
        let head = match (self.scanner.waits(), seen.get(..len)) {
            (true, Some(head)) if len <= MAX_CONNECT => parse(head),
            (false, _) if len < MAX_CONNECT => return Sniff::NeedMore(len + 1),
            _ => None,
        };
        head.map_or(Sniff::No, Sniff::Found)
    }
}

impl Default for ConnectReader {
    fn default() -> Self {
        Self::new()
    }
}

fn parse(head: &[u8]) -> Option<Connect> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let len = match request.parse(head) {
        Ok(httparse::Status::Complete(len)) if len == head.len() => len,
        _ => return None,
    };
    let target = request.path?;
    if target.is_empty() || !target.bytes().all(may_be_in_host) {
        return None;
    }
    let _host = at_most_one(request.headers, "host")?;
    let given = at_most_one(request.headers, "proxy-authorization")?
        .and_then(|value| HeaderValue::from_bytes(value).ok())
        .and_then(|value| Basic::parse(&value));
    Some(Connect {
        target: target.to_owned(),
        given,
        len,
    })
}

/// The value of a header; outside it `None` when the header stands there twice.
fn at_most_one<'a>(headers: &[httparse::Header<'a>], name: &str) -> Option<Option<&'a [u8]>> {
    let mut named = headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case(name));
    let first = named.next().map(|header| header.value);
    named.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::{Connect, ConnectReader, MAX_CONNECT, Sniff};

    fn whole(bytes: &[u8]) -> Sniff<Connect> {
        ConnectReader::new().look(bytes)
    }

    fn is_none(bytes: &[u8]) -> bool {
        matches!(whole(bytes), Sniff::No)
    }

    #[test]
    fn a_head_is_found_in_pieces_of_any_size() {
        let head = b"CONNECT web.test:22 HTTP/1.1\r\nHost: web.test:22\r\n\
            Proxy-Authorization: Basic YWxpY2U6c2VjcmV0\r\n\r\n";
        let all = [head, &b"SSH-2.0-\xff\0"[..]].concat();
        for piece in 1..all.len() {
            let mut reader = ConnectReader::new();
            let mut seen = 0;
            let found = loop {
                seen = all.len().min(seen + piece);
                match reader.look(&all[..seen]) {
                    Sniff::Found(found) => break found,
                    Sniff::NeedMore(at_least) => assert!(at_least > seen && seen < head.len()),
                    Sniff::No => panic!("refused after {seen} bytes"),
                }
            };
            assert_eq!(
                (found.len, found.target.as_str()),
                (head.len(), "web.test:22")
            );
            assert_eq!(found.user(), "alice");
        }
    }

    #[test]
    fn sparse_heads_of_simple_clients_are_read() {
        for head in [
            &b"CONNECT web.test:22 HTTP/1.0\r\n\r\n"[..],
            b"CONNECT web.test HTTP/1.1\r\nProxy-Authorization: Negotiate abc\r\n\r\n",
            b"CONNECT [::1]:22 HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        ] {
            let Sniff::Found(found) = whole(head) else {
                panic!("{head:?}");
            };
            assert_eq!(found.user(), "");
        }
    }

    #[test]
    fn what_is_in_doubt_is_refused() {
        for bytes in [
            &b"GET http://web.test/ HTTP/1.1\r\n\r\n"[..],
            b"connect web.test:22 HTTP/1.1\r\n\r\n",
            b"\r\nCONNECT web.test:22 HTTP/1.1\r\n\r\n",
            b"CONNECT web.test:22 HTTP/1.1\n\n",
            b"CONNECT web.test:22 HTTP/1.1\rHost: x\r\n\r\n",
            b"CONNECT web.test:22 HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
            b"CONNECT web.test:22 HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            b"CONNECT web.test:22 HTTP/1.1\r\nProxy-Authorization: Basic YTpi\r\n\
                proxy-authorization: Basic YTpi\r\n\r\n",
            b"CONNECT web.test:22 HTTP/1.1\r\nContent-Length: 1\r\n\r\n",
            b"CONNECT web.test:22 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"CONNECT web.test:22 HTTP/1.1\r\nHost : a\r\n\r\n",
            b"CONNECT web.test:22 HTTP/1.1\r\nno colon\r\n\r\n",
            b"CONNECT web.test:22 HTTP/2.0\r\n\r\n",
            b"CONNECT web.test:22\r\n\r\n",
            b"CONNECT  HTTP/1.1\r\n\r\n",
            b"CONNECT /path HTTP/1.1\r\nHost: web.test\r\n\r\n",
            b"CONNECT user@web.test:22 HTTP/1.1\r\n\r\n",
            b"\x16\x03\x01",
        ] {
            assert!(is_none(bytes), "{:?}", String::from_utf8_lossy(bytes));
        }
        let headers: Vec<_> = (0..101).map(|n| format!("X-{n}: y\r\n")).collect();
        let many = format!("CONNECT a:1 HTTP/1.1\r\n{}\r\n", headers.concat());
        assert!(is_none(many.as_bytes()));
    }

    #[test]
    fn a_head_has_a_longest() {
        let head = |pad: usize| format!("CONNECT a:1 HTTP/1.1\r\nX: {}\r\n\r\n", "y".repeat(pad));
        let around = head(0).len();
        assert!(matches!(
            whole(head(MAX_CONNECT - around).as_bytes()),
            Sniff::Found(_)
        ));
        assert!(is_none(head(MAX_CONNECT - around + 1).as_bytes()));
        let endless = "CONNECT ".to_owned() + &"a".repeat(MAX_CONNECT);
        assert!(is_none(endless.as_bytes()));
        assert!(matches!(
            whole(&endless.as_bytes()[..100]),
            Sniff::NeedMore(101)
        ));
    }
}
