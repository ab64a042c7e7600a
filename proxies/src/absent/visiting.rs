//! In place of the table of secret services, in builds without `visitors`: there are none.

use culvert_io::Stream;
use culvert_proxy::ProxyError;
use culvert_wire::{Codec, msg::NewVisitorConn};

/// No services.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Visitors;

impl Visitors {
    /// Refuses.
    ///
    /// # Errors
    /// Always.
    pub fn admit(&self, ask: &NewVisitorConn, _: &str) -> Result<Visit, ProxyError> {
        let name = &ask.proxy_name;
        Err(ProxyError::refused(format!(
            "custom listener for [{name}] doesn't exist: this build has no visitors"
        )))
    }
}

/// Never.
#[derive(Debug)]
pub enum Visit {}

impl Visit {
    /// Never.
    #[must_use]
    pub const fn takes_datagrams(&self) -> bool {
        match *self {}
    }

    /// Never.
    pub const fn start(self, _: Stream, _: Codec) {
        match self {}
    }
}
