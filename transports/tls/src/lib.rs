//! TLS in both roles as a stream wrapped around a stream.
//!
//! [`accept`] and [`connect`] do the handshake and give back a [`Stream`](culvert_io::Stream) with
//! the same peer. rustls does the handshake and makes the keys; the records of TLS 1.3 are our own,
//! those of TLS 1.2 pass through rustls' unbuffered interface. Either way over large lent buffers:
//! one read from the socket brings many records, one write takes many away, and an idle connection
//! holds no buffer.
//!
//! A write is encrypted at once and counts as taken even while the stream below takes only a part
//! of the ciphertext. As with every buffering writer, flush before waiting for an answer.

mod certificate;
mod client;
mod engine;
mod error;
mod fault;
mod handshake;
mod identity;
mod input;
mod issue;
mod layer;
mod messages;
mod nameless;
mod output;
mod protection;
mod provider;
mod records;
mod role;
mod seal;
mod server;
mod stream;
mod verify;
mod watch;

pub use certificate::Certificate;
pub use client::{
    FIRST_BYTE, client_config, client_config_of_system, client_config_unverified,
    client_config_watched, connect, server_name,
};
pub use error::TlsError;
pub use fault::CertificateFault;
pub use identity::IdentityFiles;
pub use issue::{Issued, issue, prove};
pub use nameless::{hide_name, server_config_nameless};
pub use rustls::{ClientConfig, ServerConfig};
pub use rustls_pki_types::ServerName;
pub use server::{accept, server_config, with_alpn};
pub use watch::Watch;

#[cfg(test)]
mod tests;
