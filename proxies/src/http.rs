//! http proxies: requests routed by host, path and user.

mod server;

pub use server::HttpKind;
