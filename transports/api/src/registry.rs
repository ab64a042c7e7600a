//! Which transports a program has, by name.

use std::{collections::BTreeMap, sync::Arc};

use crate::{DynDialling, Result, Side, Transport, TransportError};

/// The transports of a program, keyed by the value of `transport.protocol`; of a client, unless
/// another side is named.
#[derive(Debug)]
pub struct Transports<S: ?Sized = dyn DynDialling>(BTreeMap<&'static str, Arc<S>>);

impl<S: ?Sized> Clone for Transports<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: ?Sized> Default for Transports<S> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<S: Side + ?Sized> Transports<S> {
    /// No transports at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same set with one more; a transport of the same name is replaced.
    #[must_use]
    pub fn with<T: Transport>(mut self, transport: T) -> Self {
        self.0.insert(T::NAME, S::of(transport));
        self
    }

    /// The transport of that name, if this program has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<S>> {
        self.0.get(name)
    }

    /// The transport of that name.
    ///
    /// # Errors
    /// This program does not have it; the text names the key and what there is instead.
    pub fn require(&self, name: &str) -> Result<&Arc<S>> {
        self.get(name).ok_or_else(|| {
            let have: Vec<_> = self.names().collect();
            TransportError::Refused(format!(
                "transport.protocol: \"{name}\" is not supported by this build, use one of: {}",
                have.join(", ")
            ))
        })
    }

    /// The names, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.keys().copied()
    }
}
