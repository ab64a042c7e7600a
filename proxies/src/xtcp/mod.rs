//! A TCP service that visitors reach without the server in between: it only brings the two peers
//! together (protocol 6).
//!
//! Both peers ask a STUN server how they are seen ([`discover()`]), tell the frp server, and are told
//! what to do; then they send each other datagrams until some get through, and make a session of
//! that. What is decided, and what the datagrams say, is `culvert_nathole`'s.

mod client;
mod discover;
mod meetings;
pub mod orders;
mod peers;
mod punch;
mod server;
mod tunnel;
mod visitor;

#[cfg(test)]
mod tests;

pub use client::XtcpProxy;
pub use discover::{DiscoverError, Discovered, discover};
pub use meetings::Meetings;
pub use server::XtcpKind;
pub use visitor::XtcpVisitor;

use crate::PeerCx;
