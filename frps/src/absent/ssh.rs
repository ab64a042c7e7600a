//! In place of the SSH gateway, in builds without `ssh`: there is none.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use culvert_conf::SshTunnelGateway;
use culvert_io::{Lanes, Scope};

use crate::server::Server;

/// The gateway cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("sshTunnelGateway: this build has no ssh")]
#[non_exhaustive]
pub struct GatewayError;

/// No gateway.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Gateway {}

impl Gateway {
    /// Refuses.
    pub(crate) fn bind(_: &str, _: &SshTunnelGateway) -> Ready<Result<Self, GatewayError>> {
        ready(Err(GatewayError))
    }

    /// Never called.
    pub(crate) fn accept(self, _: Arc<Server>, _: Arc<Lanes>, _: Scope) -> Ready<()> {
        match self {}
    }
}
