//! All HTTP knowledge: sniffing, vhost routes, the reverse proxy.
//!
//! * [`sniff`]: what the first bytes of a connection say; pure functions.
//! * [`Router`]: host, path and user to whatever serves them.
//! * [`HttpVhost`]: serves the users of http proxies over pooled work connections.
//! * [`HttpBridge`]: the same for one service that is dialled; [`serve_handler`] for any answers.
//! * [`HttpsVhost`]: passes the users of https proxies on by the name in their ClientHello.
//! * [`Outbound`]: requests of our own, to a plugin or an identity provider.
//! * [`ConnectVhost`]: the same for tcpmux proxies, by the target of a CONNECT, which
//!   [`ConnectReader`] reads.
//! * [`web`]: the small web server of dashboards and admin APIs.

#![forbid(unsafe_code)]

mod auth;
mod connect;
mod outbound;
mod reverse;
pub mod sniff;
mod vhost;
pub mod web;

pub use auth::{Basic, Credentials};
pub use connect::{Connect, ConnectReader, MAX_CONNECT};
pub use outbound::{Endpoint, Limits, Outbound, OutboundError, UrlError};
pub use reverse::{
    Dial, Forwarding, Handler, HttpBackend, HttpRules, bare, remove_hop_by_hop, serve_handler,
};
pub use vhost::{
    Backends, ConnectVhost, ErrorMode, HttpBridge, HttpVhost, HttpsVhost, Route, Router, SERVER,
    Tunnels, canonical_host, read_hello,
};
