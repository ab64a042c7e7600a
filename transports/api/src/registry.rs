//! Which transports a program has, by name.

use std::{collections::BTreeMap, sync::Arc};

use crate::{DynTransport, Result, Transport, TransportError};

/// The transports of a program, keyed by the value of `transport.protocol`.
#[derive(Clone, Debug, Default)]
pub struct Transports(BTreeMap<&'static str, Arc<dyn DynTransport>>);

impl Transports {
    /// No transports at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same set with one more; a transport of the same name is replaced.
    #[must_use]
    pub fn with<T: Transport>(mut self, transport: T) -> Self {
        self.0.insert(T::NAME, Arc::new(transport));
        self
    }

    /// The transport of that name, if this program has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn DynTransport>> {
        self.0.get(name)
    }

    /// The transport of that name.
    ///
    /// # Errors
    /// This program does not have it; the text names the key and what there is instead.
    pub fn require(&self, name: &str) -> Result<&Arc<dyn DynTransport>> {
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
