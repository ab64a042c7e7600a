//! What can go wrong with handshakes and frames.

use std::io;

use culvert_tcp::HeadError;

/// The peer broke the rules of frames (RFC 6455); it is told so with close code 1002.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// A client must mask its frames (section 5.1).
    #[error("websocket frame of a client without a mask")]
    Unmasked,
    /// A server must not mask its frames (section 5.1).
    #[error("websocket frame of a server with a mask")]
    Masked,
    /// An opcode that has no meaning (section 5.2).
    #[error("websocket frame with the reserved opcode {0:#x}")]
    Opcode(u8),
    /// The most significant bit of a 64-bit length must be 0 (section 5.2).
    #[error("websocket frame with a length above 63 bits")]
    Length,
    /// Control frames have at most 125 bytes and are not fragmented (section 5.5).
    #[error("websocket control frame that is long or fragmented")]
    Control,
}

/// The peer's part of the handshake does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The head is no HTTP/1.
    #[error("not an http/1.1 head: {0}")]
    Malformed(&'static str),
    /// A client's request is refused.
    #[error("websocket request refused: {why}")]
    Refused {
        /// The status that the client gets.
        status: u16,
        /// Why.
        why: &'static str,
    },
    /// The server answers with another status than 101.
    #[error(
        "the server answers with http status {0} instead of 101; is there an frps with websocket \
         at that address, and does a proxy in front of it let upgrades pass"
    )]
    Status(u16),
    /// The server's answer has a header that breaks the handshake.
    #[error("the server's websocket answer has {0}")]
    Answer(&'static str),
    /// The name of the server cannot stand in a request.
    #[error("\"{0}\" cannot be the host of a websocket request")]
    Host(String),
}

impl HandshakeError {
    /// What a client is answered whose request is at fault; nothing for a server's faults.
    #[must_use]
    pub fn response(&self) -> Option<String> {
        let (status, text) = match self {
            Self::Malformed(text) => (400, *text),
            Self::Refused { status, why } => (*status, *why),
            _ => return None,
        };
        let reason = match status {
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            _ => "Bad Request",
        };
        // RFC 6455, section 4.4: which version would have been taken.
        Some(format!(
            "HTTP/1.1 {status} {reason}\r\nSec-WebSocket-Version: 13\r\nConnection: close\r\n\r\n{text}"
        ))
    }
}

/// A websocket connection cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebsocketError {
    /// The peer's part of the handshake does not fit.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The peer's head is too long, or the connection ended before it did.
    #[error("the peer's part of the websocket handshake")]
    Head(#[from] HeadError),
    /// The connection failed.
    #[error("connection failed during the websocket handshake")]
    Io(#[from] io::Error),
    /// The system gives no randomness.
    #[error("no randomness from the system")]
    Random(#[source] io::Error),
}
