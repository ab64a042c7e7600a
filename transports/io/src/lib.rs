//! Byte streams as values: [`Stream`], lent [`Buffer`]s, the [`relay()`] that joins two streams,
//! the [`Lanes`] that carry them and the [`Scope`] that owns tasks.
//!
//! This is the only crate of the workspace with `unsafe` code: `relay/splice.rs` for kernel pipes,
//! and two calls in `trim.rs`.

mod buffer;
mod datagrams;
mod fast_path;
mod lanes;
mod limit;
mod meter;
pub mod network;
mod relay;
mod scope;
mod small;
pub mod socket;
mod stream;
mod trim;
mod unix;

/// The target of lines at level trace. Release builds leave events of that level out, of which
/// libraries have hundreds that nobody is shown: ours are events at level debug with this target,
/// and the logger knows what they mean.
pub const TRACE_LOG: &str = "culvert_trace";

pub use buffer::Buffer;
pub use datagrams::Datagrams;
pub use fast_path::{FastPath, FastPaths, UnknownFastPath};
pub use lanes::Lanes;
pub use limit::Limit;
pub use meter::{Connected, Meter};
pub use relay::{ACCESS_LOG, End, Path, Relayed, Relaying, Side, delivered, relay};
pub use scope::Scope;
pub use small::connect_in_small_packets;
pub use stream::{ChunkIo, Io, Peer, RawTcp, Stream};
pub use trim::return_memory;
pub use unix::dial_unix;
