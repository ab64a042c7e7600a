//! A UDP port of the server that leads to a UDP service behind the client (protocol 3.7).
//!
//! All users of a proxy share one work connection, on which each datagram is one message. Between
//! our own ends, over a transport that has datagrams, it travels as one of those, beside the stream.

mod client;
mod datagrams;
pub(crate) mod packets;
mod server;
mod sockets;
#[cfg(test)]
mod tests;

pub use client::LocalUdp;
pub use packets::sent;
pub use server::UdpKind;
#[cfg(feature = "visitors")]
pub(crate) use server::{RETRY, carry, receive};

/// Bytes as meters count them.
pub(crate) fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
