//! What a proxy kind implements at each end, and what the programs lend it.
//!
//! A kind on the server turns a client's `NewProxy` into an open proxy: a port, a route, a
//! listener; everything it takes is a [`Lease`] that frees itself. A kind on the client serves
//! one work connection. The layers of a work connection (encryption, compression) are put on by
//! the session before a kind sees the stream, in the order that one module alone knows. A visitor
//! takes users at a client and brings them to somebody's secret service.

mod client;
mod control;
mod error;
pub mod layers;
mod lease;
mod local;
mod members;
mod server;
mod snappy;
mod visitor;

pub use client::{BoxClientProxy, ClientProxy, Work};
pub use control::{Control, Question};
pub use error::ProxyError;
pub use layers::LayerFlags;
pub use lease::Lease;
pub use local::dial_local;
pub use members::{Member, Members, Turn};
pub use server::{
    BoxFuture, DynServerKind, Opened, ServerCx, ServerKind, ServerKinds, UserAddrs, join,
};
pub use snappy::SnappyStream;
pub use visitor::{BoxVisitor, Visitor, VisitorCx, VisitorStream};
