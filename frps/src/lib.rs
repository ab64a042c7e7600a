//! The frps program as a library: compose only; the rooms it composes are crates of their own.
//!
//! A connection travels `front` (accept, tell what it is) → `greet` (first message) →
//! `session` (login, control stream, work connections, proxies) → a proxy kind. `auth` checks who
//! they are, `hooks` are the programs that are asked on the way. `ssh` lets in clients that have
//! no frpc; `reload` changes the configuration meanwhile.

mod app;
mod auth;
mod cli;
mod dashboard;
mod figures;
mod flags;
pub mod front;
mod greet;
mod hooks;
mod registry;
mod reload;
mod server;
mod service;
mod session;
mod ssh;
mod strangers;

pub use app::App;
pub use auth::{AuthError, DiscoveryError, TokenFault, VerifyError};
pub use reload::Reread;
pub use service::{Service, StartError};
pub use ssh::{GatewayError, KeyError};
