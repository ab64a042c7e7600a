//! The frpc program as a library: compose only; the rooms it composes are crates of their own.
//!
//! `service` logs in and stays logged in, `session` speaks on the control stream and offers work
//! connections, `auth` proves who we are, `proxies` knows how far each registration is and what serves it, `visitors` runs
//! those who bring users to the services of others.

mod admin;
mod app;
mod ask;
mod auth;
mod backoff;
mod cli;
mod flags;
mod folder;
mod nathole;
mod proxies;
mod service;
mod session;
mod setup;
mod single;
mod visitors;

pub use app::App;
pub use auth::{AskError, AuthError, GrantError, ProofError};
pub use service::{RunError, Service};
pub use session::LoginError;
pub use setup::{ConfigFile, StoreError};
