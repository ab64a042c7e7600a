//! The tcp transport: bind, dial, and the errors that name what to do.

mod connect;
mod error;
mod listen;
mod resolve;
mod transport;

pub use connect::{TcpConnector, connect};
pub use listen::{TcpAcceptor, TcpHandshake, bind, listen};
pub use resolve::resolve;
pub use transport::Tcp;

#[cfg(test)]
mod tests;
