//! Whether a client's request fits, and what it is answered.

use super::{MAX_HEADERS, PATH, has_token, header, proof};
use crate::HandshakeError;

/// A request that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    proof: String,
}

const fn refused(status: u16, why: &'static str) -> HandshakeError {
    HandshakeError::Refused { status, why }
}

impl Upgrade {
    /// Checks a client's head, which ends with an empty line, as upstream's server does.
    ///
    /// # Errors
    /// It is no HTTP, or asks for something else; the client is to be answered with
    /// [`HandshakeError::response`].
    pub fn new(head: &[u8]) -> Result<Self, HandshakeError> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(head) {
            Ok(httparse::Status::Complete(_)) => {}
            Ok(httparse::Status::Partial) => return Err(HandshakeError::Malformed("cut short")),
            Err(_) => return Err(HandshakeError::Malformed("bad syntax")),
        }
        let path = request.path.and_then(|p| p.split('?').next());
        if path != Some(PATH) {
            return Err(refused(404, "unknown path"));
        }
        if request.method != Some("GET") {
            return Err(refused(405, "bad method"));
        }
        let headers: &[_] = request.headers;
        if header(headers, "Host").is_none_or(<[u8]>::is_empty) {
            return Err(refused(400, "missing Host"));
        }
        if !has_token(headers, "Upgrade", "websocket")
            || !has_token(headers, "Connection", "upgrade")
        {
            return Err(refused(400, "not websocket protocol"));
        }
        let key = header(headers, "Sec-WebSocket-Key").filter(|key| !key.is_empty());
        let Some(key) = key else {
            return Err(refused(400, "missing Sec-WebSocket-Key"));
        };
        if header(headers, "Sec-WebSocket-Version") != Some(b"13") {
            return Err(refused(400, "missing or bad WebSocket Version"));
        }
        if !header(headers, "Origin").is_some_and(is_uri) {
            return Err(refused(403, "missing or bad Origin"));
        }
        Ok(Self { proof: proof(key) })
    }

    /// The bytes to send; frames follow.
    #[must_use]
    pub fn response(&self) -> String {
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n\r\n",
            self.proof
        )
    }
}

/// What Go's `url.ParseRequestURI` takes, roughly: a path, or a scheme and something behind it.
/// Browsers send `null` for pages that have no origin.
fn is_uri(text: &[u8]) -> bool {
    if !text.iter().all(u8::is_ascii_graphic) {
        return false;
    }
    if text.starts_with(b"/") {
        return true;
    }
    let mut parts = text.splitn(2, |b| *b == b':');
    let (Some(scheme), Some(rest)) = (parts.next(), parts.next()) else {
        return false;
    };
    let Some((first, others)) = scheme.split_first() else {
        return false;
    };
    let in_scheme = |b: &u8| b.is_ascii_alphanumeric() || b"+-.".contains(b);
    first.is_ascii_alphabetic() && others.iter().all(in_scheme) && !rest.is_empty()
}
