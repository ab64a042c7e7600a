//! What every transport must do, as a suite that anybody can run on one of their own.
//!
//! [`transport_suite!`] makes a module of tests from a [`Subject`]: a transport, the options of
//! both ends, where to bind, and what the transport does not promise. `docs/EXTENDING.md` shows
//! how to write one.

mod cases;
mod ends;
mod subject;
mod suite;

pub use cases::{
    accept::{cancelled_accepts, hostile_peers, reconnects},
    bytes::{bulk, echo, one_byte_writes, slow_reader, vectored_writes},
    close::{
        close_reasons, dead_address, half_close_of_client, half_close_of_server, vanished_peer,
    },
    streams::{idle, names, thousand_streams},
};
pub use culvert_kit::{Error, Result};
pub use subject::Subject;
