//! The file as written: upstream's whole schema, types right, nothing else checked.
//!
//! A field that is not written holds its zero value ("" / 0 / empty), which everywhere means
//! "use the default"; only where upstream tells `false` from "not written" it is an `Option`.

pub(crate) mod client;
pub(crate) mod common;
pub(crate) mod plugin;
pub(crate) mod proxy;
pub(crate) mod server;
pub(crate) mod visitor;

use crate::decode::Key;

/// Joins key lists of several types of entry, each key once.
fn union(lists: impl IntoIterator<Item = Vec<Key>>) -> Vec<Key> {
    let mut all: Vec<Key> = Vec::new();
    for key in lists.into_iter().flatten() {
        if !all.iter().any(|known| known.name == key.name) {
            all.push(key);
        }
    }
    all
}

#[cfg(test)]
mod tests;
