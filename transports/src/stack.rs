//! The order of the layers, at both ends: websocket, 0x17, TLS, yamux (wss: TLS, websocket,
//! yamux).

mod client;
mod inspect;
mod server;
mod websocket;

pub use client::ClientStack;
pub(crate) use client::Dialler;
pub use inspect::Inspection;
pub use server::ServerStack;

use culvert_tls::{IdentityFiles, TlsError};
use culvert_transport::TransportError;

/// The paths of an identity, as the TLS layer takes them.
fn identity(files: &culvert_conf::IdentityFiles) -> IdentityFiles {
    IdentityFiles {
        cert: files.cert.clone(),
        key: files.key.clone(),
    }
}

fn failed(err: TlsError) -> TransportError {
    TransportError::Layer {
        layer: "tls",
        source: Box::new(err),
    }
}

#[cfg(test)]
mod tests;
