//! A UDP service that only visitors with its key reach, through the server (protocol 3.7).
//!
//! All users of one visitor share a connection, on which each datagram is one message. What serves
//! its work connections is the same as for udp, with one for each visitor.

mod bridge;
mod server;
#[cfg(test)]
mod tests;
mod visitor;

pub(crate) use bridge::bridge;
pub use server::SudpKind;
pub use visitor::SudpVisitor;
