//! The tcp transport: bind, dial (through a proxy if wanted), names, and the errors that name what
//! to do.

mod connect;
mod dns;
mod error;
mod head;
mod listen;
#[cfg_attr(not(feature = "proxy-url"), path = "absent/proxy.rs")]
mod proxy;
mod resolve;
mod transport;

pub use connect::{TcpConnector, connect};
pub use dns::{hosts as hosts_file, message as name_messages, system as resolver_file};
pub use error::{ProxyError, ProxyFailed};
pub use head::{HeadError, read_head};
pub use listen::{TcpAcceptor, TcpHandshake, bind, listen};
pub use proxy::{NtlmError, Proxy};
pub use resolve::{Resolver, resolve, resolve_first};
pub use transport::Tcp;

#[cfg(test)]
mod tests;
