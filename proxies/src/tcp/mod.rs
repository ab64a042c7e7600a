//! A TCP port of the server that leads to a TCP service behind the client (protocol 5.3).

mod client;
#[cfg(test)]
mod group_tests;
mod server;
#[cfg(test)]
mod tests;

pub use client::LocalTcp;
pub use server::TcpKind;
