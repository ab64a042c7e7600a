//! The quic transport: encrypted connections that are born split into streams.
//!
//! [`Quic`] is the transport; its links are sessions, with one bidirectional stream for each
//! logical connection and messages directly on it (protocol 2.5). quinn does the protocol; this
//! crate gives it sockets, owners for its tasks, certificates, limits for strangers and streams
//! that a relay can pass without copying.
//!
//! A server has one socket and one endpoint. Several sockets on one port (SO_REUSEPORT) would
//! spread the packets by address: a client whose address changes, as behind a NAT, would arrive at
//! a socket whose endpoint does not know its connection. The connections themselves live on the
//! threads that serve them; only the routing of received packets is shared.

mod congestion;
mod connect;
mod error;
mod flow;
mod hole;
mod listen;
mod migrate;
mod nameless;
mod options;
mod outgoing;
mod session;
mod settings;
mod stream;
mod tasks;
mod transport;

pub use connect::QuicConnector;
pub use error::{Alert, alert};
pub use hole::{accept_hole, dial_hole};
pub use listen::QuicListener;
pub use options::{Congestion, QuicOptions};
pub use session::QuicSession;
pub use stream::QuicStream;
pub use transport::Quic;

#[cfg(test)]
mod tests;
