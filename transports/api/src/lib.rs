//! The traits that transports and multiplexers implement, and the message stream on top of them.
//!
//! A transport *dials* or accepts and yields a [`Link`]; a mux *splits* a pipe into streams;
//! [`Framed`] *speaks* messages on one of them, and hides what is said; [`encrypted`] hides other
//! bytes. A transport of its own packets asks [`Bbr`] how many may be on their way.

mod accept;
mod aead;
mod congestion;
mod crypt;
mod erased;
mod error;
mod framed;
mod options;
mod registry;
mod sealed;
mod session;
mod transport;
mod tunnel;

pub use accept::AcceptBackoff;
pub use congestion::{Bbr, Habits};
pub use crypt::encrypted;
pub use erased::{
    BoxConnector, BoxFuture, BoxHandshake, BoxListener, BoxSession, DynConnector, DynDialling,
    DynKind, DynListener, DynListening, DynMux, DynSession, DynTransport, Side,
};
pub use error::{BoxError, Result, TransportError, report};
pub use framed::{Framed, FramedReader, FramedWriter};
pub use options::{Common, Options, OptionsError, ProxyUrl, TlsOptions};
pub use registry::Transports;
pub use session::{Mux, Session, Traffic};
pub use transport::{Connector, Link, Listener, Target, Traits, Transport};
pub use tunnel::{Hole, Tunnels};
