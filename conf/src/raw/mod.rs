//! The file as written: upstream's whole schema, types right, nothing else checked.
//!
//! A field that is not written holds its zero value ("" / 0 / empty), which everywhere means
//! "use the default"; only where upstream tells `false` from "not written" it is an `Option`.

pub(crate) mod auto;
pub(crate) mod client;
pub(crate) mod common;
pub(crate) mod plugin;
pub(crate) mod proxy;
pub(crate) mod server;
pub(crate) mod servers;
pub(crate) mod sessions;
pub(crate) mod visitor;

#[cfg(test)]
mod tests;
