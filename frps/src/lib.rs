//! The frps program as a library: compose only; the rooms it composes are crates of their own.
//!
//! A connection travels `front` (accept, tell what it is) → `greet` (first message) →
//! `session` (login, control stream, work connections, proxies) → a proxy kind. `hooks` are the
//! programs that are asked on the way.

mod app;
mod auth;
mod cli;
mod dashboard;
mod figures;
pub mod front;
mod greet;
mod hooks;
mod registry;
mod server;
mod service;
mod session;
mod strangers;

pub use app::App;
pub use auth::{AuthError, DiscoveryError, TokenFault, VerifyError};
pub use service::{Service, StartError};
