//! Byte streams as values: [`Stream`], lent [`Buffer`]s and the [`Scope`] that owns tasks.
//!
//! This is the only crate of the workspace with `unsafe` code.

mod buffer;
mod scope;
mod stream;

pub use buffer::Buffer;
pub use scope::Scope;
pub use stream::{ChunkIo, Io, Peer, RawTcp, Stream};
