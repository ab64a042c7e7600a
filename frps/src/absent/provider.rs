//! In place of OpenID Connect, in builds without `oidc`: there is no provider.

use std::future::{Ready, ready};

use culvert_conf::ServerOidc;
use culvert_io::Scope;

/// There is no provider.
#[derive(Debug, thiserror::Error)]
#[error("this build has no oidc")]
#[non_exhaustive]
pub struct DiscoveryError;

/// Never: nothing is verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {}

/// No provider.
pub(super) enum Provider {}

impl Provider {
    /// Refuses.
    pub(super) fn discover(_: &ServerOidc, _: &Scope) -> Ready<Result<Self, DiscoveryError>> {
        ready(Err(DiscoveryError))
    }

    /// Never called.
    pub(super) const fn verify(&self, _: &str) -> Ready<Result<String, VerifyError>> {
        match *self {}
    }
}
