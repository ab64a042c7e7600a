//! In place of health checks by HTTP, in builds without `http`: refuses.

use std::{future::Ready, time::Duration};

use culvert_io::Scope;
use culvert_proxy::ProxyError;

/// Never: there is no check.
#[derive(Debug, thiserror::Error)]
pub(in crate::health) enum Unwell {}

/// Nothing to ask for.
#[derive(Debug)]
pub(in crate::health) enum Page {}

impl Page {
    /// Refuses.
    pub(super) fn new(_: &str, _: &[(String, String)], _: (&str, u16)) -> Result<Self, ProxyError> {
        Err(ProxyError::refused(
            "this build has no http, which healthCheck.type asks for",
        ))
    }

    /// Never called.
    pub(super) fn check(&self, _: Duration, _: &Scope) -> Ready<Result<(), Unwell>> {
        match *self {}
    }
}
