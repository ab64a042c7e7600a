//! The frpc program as a library: compose only; the rooms it composes are crates of their own.
//!
//! `service` logs in and stays logged in, `session` speaks on the control stream and offers work
//! connections, `paths` knows the ways to the server, `auth` proves who we are, `proxies` knows how far each registration is and what serves it, `visitors` runs
//! those who bring users to the services of others. What a build is without has a stand-in in
//! `absent`.

#![cfg_attr(
    not(feature = "dashboard"),
    expect(
        dead_code,
        unused_imports,
        reason = "only the admin API looks at some things"
    )
)]

#[cfg_attr(not(feature = "dashboard"), path = "absent/admin.rs")]
mod admin;
mod app;
#[cfg(feature = "dashboard")]
mod ask;
mod auth;
mod backoff;
mod causes;
#[cfg_attr(not(feature = "flags"), path = "absent/cli.rs")]
mod cli;
#[cfg(feature = "tools")]
mod doctor;
#[cfg(feature = "flags")]
mod flags;
mod folder;
#[cfg(feature = "xtcp")]
mod nathole;
pub mod parsers;
mod paths;
mod proxies;
mod servers;
mod service;
mod session;
mod setup;
#[cfg(feature = "flags")]
mod single;
#[cfg_attr(not(feature = "visitors"), path = "absent/visitors.rs")]
mod visitors;

pub use app::App;
#[cfg(feature = "oidc")]
pub use auth::GrantError;
pub use auth::{AskError, AuthError, ProofError};
pub use causes::{Cause, Skew};
pub use service::{RunError, Service};
pub use session::LoginError;
pub use setup::{ConfigFile, StoreError};
