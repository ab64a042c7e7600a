//! Transports that are programs of their own, in any language: `transport.protocol = "exec:/path"`.
//!
//! The program is started and watched by us and carries bytes between the loopback interface and
//! the network; `protocol.md` beside this crate is the contract between the two. The idea and the
//! shape are those of shadowsocks' plugins (SIP003).

mod connect;
mod environment;
mod error;
pub mod lines;
mod listen;
mod run;
mod supervise;
mod transport;

pub use connect::ExecConnector;
pub use listen::{ExecHandshake, ExecListener};
pub use transport::Exec;

#[cfg(unix)]
#[cfg(test)]
mod tests;
