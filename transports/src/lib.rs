//! Every transport of the stock programs, and the order of their layers.
//!
//! Dial, then the byte 0x17, then TLS, then yamux: [`ClientStack`] puts the layers on,
//! [`ServerStack`] takes them off. Nothing else in the workspace knows that order.

mod find;
mod redial;
mod stack;
mod standard;
mod symptom;
mod tunnel;
mod yamux;

pub use culvert_tcp::Resolver;
pub use culvert_tls::{Certificate, CertificateFault};
pub use culvert_transport::{
    BoxSession, DynListening, Link, Options, Session, Target, Transport, TransportError, Transports,
};
pub use find::{find, quic_options, server_options};
pub use redial::Redial;
pub use stack::{ClientStack, Inspection, ServerStack};
pub use standard::standard;
pub use symptom::{ProxyFault, Symptom};
pub use tunnel::PeerTunnels;
pub use yamux::{Yamux, YamuxSession};
