//! A TCP service that only visitors with its key reach, through the server (protocol 3.8).
//!
//! What serves its work connections is the same as for tcp.

mod server;
#[cfg(test)]
mod tests;
mod visitor;

pub use server::StcpKind;
pub use visitor::StcpVisitor;
