//! The frps program as a library: compose only; the rooms it composes are crates of their own.
//!
//! A connection travels `front` (accept, tell what it is) → `greet` (first message) →
//! `session` (login, control stream, work connections, proxies) → a proxy kind.

mod app;
mod cli;
mod dashboard;
mod figures;
pub mod front;
mod greet;
mod registry;
mod server;
mod service;
mod session;
mod strangers;

pub use app::App;
pub use service::{Service, StartError};
