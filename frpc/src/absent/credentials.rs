//! In place of OpenID Connect, in builds without `oidc`: no provider is asked.

use std::future::{Ready, ready};

use culvert_conf::{OidcCredentials, Secret};
use culvert_io::Scope;
use culvert_program::OriginError;

/// Nobody can be asked: a configuration that wants it was refused.
#[derive(Debug, thiserror::Error)]
#[error("this build has no oidc")]
#[non_exhaustive]
pub struct AskError;

/// Nothing to show a provider.
pub(super) struct Credentials;

impl Credentials {
    pub(super) const fn new(_: &OidcCredentials, _: &Scope) -> Result<Self, OriginError> {
        Ok(Self)
    }

    /// Refuses.
    pub(super) fn token(&self) -> Ready<Result<Secret, AskError>> {
        ready(Err(AskError))
    }
}
