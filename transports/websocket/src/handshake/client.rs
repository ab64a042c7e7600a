//! What a client asks, and whether the answer fits.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{MAX_HEADERS, PATH, has_token, header, proof};
use crate::HandshakeError;

/// A client's request for the tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    request: String,
    proof: String,
}

impl Offer {
    /// A request to `host` (with the port unless it is the scheme's own) with 16 random bytes.
    /// The headers are upstream's, in its order.
    ///
    /// # Errors
    /// The host has bytes that cannot stand in a header.
    pub fn new(host: &str, nonce: [u8; 16]) -> Result<Self, HandshakeError> {
        let fits = |b: u8| b.is_ascii_graphic() && !b"/?#\\\"<>".contains(&b);
        if host.is_empty() || !host.bytes().all(fits) {
            return Err(HandshakeError::Host(host.to_owned()));
        }
        let key = STANDARD.encode(nonce);
        Ok(Self {
            request: format!(
                "GET {PATH} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: \
                 Upgrade\r\nSec-WebSocket-Key: {key}\r\nOrigin: http://{host}\r\n\
                 Sec-WebSocket-Version: 13\r\n\r\n"
            ),
            proof: proof(key.as_bytes()),
        })
    }

    /// The bytes to send.
    #[must_use]
    pub fn request(&self) -> &str {
        &self.request
    }

    /// Checks the server's head, which ends with an empty line.
    ///
    /// # Errors
    /// It is no HTTP, or not the acceptance of this request.
    pub fn accepted(&self, head: &[u8]) -> Result<(), HandshakeError> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut answer = httparse::Response::new(&mut headers);
        match answer.parse(head) {
            Ok(httparse::Status::Complete(_)) => {}
            Ok(httparse::Status::Partial) => return Err(HandshakeError::Malformed("cut short")),
            Err(_) => return Err(HandshakeError::Malformed("bad syntax")),
        }
        match answer.code {
            Some(101) => {}
            other => return Err(HandshakeError::Status(other.unwrap_or_default())),
        }
        let headers: &[_] = answer.headers;
        if !has_token(headers, "Upgrade", "websocket") {
            return Err(HandshakeError::Answer("no \"Upgrade: websocket\""));
        }
        if !has_token(headers, "Connection", "upgrade") {
            return Err(HandshakeError::Answer("no \"Connection: Upgrade\""));
        }
        if header(headers, "Sec-WebSocket-Accept") != Some(self.proof.as_bytes()) {
            return Err(HandshakeError::Answer("a wrong Sec-WebSocket-Accept"));
        }
        // None was asked for, so frames would not mean what we think they do.
        if header(headers, "Sec-WebSocket-Extensions").is_some_and(|v| !v.is_empty()) {
            return Err(HandshakeError::Answer("an extension"));
        }
        if header(headers, "Sec-WebSocket-Protocol").is_some_and(|v| !v.is_empty()) {
            return Err(HandshakeError::Answer("a subprotocol"));
        }
        Ok(())
    }
}
