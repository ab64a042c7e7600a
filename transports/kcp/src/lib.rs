//! The kcp transport: reliable byte streams over UDP that frp's own kcp-go speaks.
//!
//! [`Kcp`] is the protocol's state machine and [`fec`] the layer around it that repairs losses;
//! [`Conversation`] joins the two. All three are sans-I/O: bytes and time come in as arguments.
//! The rest of the crate gives them sockets, timers and bounds.

mod connect;
mod conversation;
mod core;
mod error;
pub mod fec;
mod listen;
mod outbox;
mod parameters;
mod seats;
mod session;
mod socket;
mod stream;
mod transport;

pub use crate::core::{Command, HEADER, Header, Input, Kcp, MSS, MTU, Resends, SILENCE};
pub use connect::{KcpConnector, attach};
pub use conversation::Conversation;
pub use listen::{KcpAcceptor, KcpHandshake};
pub use outbox::Outbox;
pub use parameters::{KcpOptions, Parameters};
pub use transport::KcpTransport;

#[cfg(test)]
mod tests;
