//! The HTTP part of a connection, without I/O (RFC 6455, section 4; protocol 2.6).

mod client;
mod server;

pub use client::Offer;
pub use server::Upgrade;

use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::{Digest, Sha1};

/// The path of the tunnel, literally; upstream's server finds websocket clients by it.
pub const PATH: &str = "/~!frp";

/// The most bytes of a peer's head. Proxies in between add headers, but not this many.
pub const MAX_HEAD: usize = 16 * 1024;

/// The most headers of a peer's head.
const MAX_HEADERS: usize = 100;

/// What an accepting server hashes behind the key (RFC 6455, section 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The proof that a server has read the key.
fn proof(key: &[u8]) -> String {
    let hash = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    STANDARD.encode(hash)
}

/// The value of the first header of this name, without the blanks around it.
fn header<'a>(headers: &[httparse::Header<'a>], name: &str) -> Option<&'a [u8]> {
    headers
        .iter()
        .find(|h| h.name.eq_ignore_ascii_case(name))
        .map(|h| h.value.trim_ascii())
}

/// Whether the header's list of tokens has this one.
fn has_token(headers: &[httparse::Header<'_>], name: &str, token: &str) -> bool {
    headers
        .iter()
        .filter(|h| h.name.eq_ignore_ascii_case(name))
        .flat_map(|h| h.value.split(|b| *b == b','))
        .any(|t| t.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

#[cfg(test)]
mod tests;
