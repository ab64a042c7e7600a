//! TCP services of many clients behind one port of the server, found by an HTTP CONNECT (protocol
//! 5.6). The client's half is that of tcp.

mod server;
#[cfg(test)]
mod tests;

pub use server::TcpMuxKind;
