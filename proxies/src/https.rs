//! https proxies: connections routed by the name in the ClientHello.

mod server;

pub use server::HttpsKind;
