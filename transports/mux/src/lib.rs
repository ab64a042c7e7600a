//! yamux: many streams over one, wire-compatible with Go's.
//!
//! Three layers: `frame` knows the 12-byte header; [`Core`] is the protocol without sockets or
//! clocks (bytes and time come in as arguments, which is what tests and fuzzers drive); the
//! session's driver joins a [`Core`] to a byte stream and to the tasks that use its streams.
//!
//! # Windows
//! The protocol forces 256 KiB per stream. Beyond that a stream's window is reserved from
//! [`MuxConfig::receive_budget`] when it is granted and returned when the stream ends: the first
//! streams of a session get the full [`MuxConfig::max_window`] when they open, while no more than
//! a quarter of the budget is reserved; later a stream's window grows fourfold each time its
//! consumer drains half of it within two seconds. A single stream on a link of 50 ms and 1 Gbit/s
//! starts with the full 6 MiB, or reaches it after three round trips.

mod config;
mod core;
mod driver;
mod error;
mod frame;
mod session;
mod shared;
mod stream;

pub use config::{MuxConfig, Role};
pub use core::{Clock, Core, Received, window_stalls};
pub use error::{MuxError, ProtocolError};
pub use session::MuxSession;
pub use stream::MuxStream;
