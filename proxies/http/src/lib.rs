//! All HTTP knowledge: sniffing, vhost routes, the reverse proxy.
//!
//! * [`sniff`]: what the first bytes of a connection say; pure functions.
//! * [`Router`]: host, path and user to whatever serves them.
//! * [`HttpVhost`]: serves the users of http proxies over pooled work connections.
//! * [`HttpsVhost`]: passes the users of https proxies on by the name in their ClientHello.

#![forbid(unsafe_code)]

mod auth;
mod reverse;
pub mod sniff;
mod vhost;

pub use auth::{Basic, Credentials};
pub use reverse::{HttpBackend, HttpRules};
pub use vhost::{HttpVhost, HttpsBackend, HttpsVhost, Route, Router, SERVER, canonical_host};
