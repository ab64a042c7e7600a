//! The frps program as a library: compose only; the rooms it composes are crates of their own.
//!
//! A connection travels `front` (accept, tell what it is) → `greet` (first message) →
//! `session` (login, control stream, work connections, proxies) → a proxy kind. `auth` checks who
//! they are, `hooks` are the programs that are asked on the way. `ssh` lets in clients that have
//! no frpc; `reload` changes the configuration meanwhile. What a build is without has a
//! stand-in in `absent`.

#![cfg_attr(
    not(all(feature = "dashboard", feature = "ssh")),
    expect(dead_code, reason = "only those look at some things")
)]
#![cfg_attr(
    not(feature = "dashboard"),
    expect(unused_imports, reason = "only it looks at some things")
)]

mod app;
mod auth;
#[cfg_attr(not(feature = "flags"), path = "absent/cli.rs")]
mod cli;
#[cfg_attr(not(feature = "dashboard"), path = "absent/dashboard.rs")]
mod dashboard;
mod figures;
#[cfg(feature = "flags")]
mod flags;
pub mod front;
mod greet;
#[cfg_attr(not(feature = "plugins"), path = "absent/hooks.rs")]
mod hooks;
pub mod parsers;
mod registry;
mod reload;
mod server;
mod service;
mod session;
#[cfg_attr(not(feature = "ssh"), path = "absent/ssh.rs")]
mod ssh;
mod strangers;
#[cfg_attr(not(feature = "http"), path = "absent/vhosts.rs")]
mod vhosts;

pub use app::App;
#[cfg(feature = "oidc")]
pub use auth::TokenFault;
pub use auth::{AuthError, DiscoveryError, VerifyError};
pub use reload::Reread;
pub use service::{Service, StartError};
pub use ssh::GatewayError;
#[cfg(feature = "ssh")]
pub use ssh::KeyError;
