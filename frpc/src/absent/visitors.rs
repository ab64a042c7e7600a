//! In place of our visitors, in builds without `visitors`: there are none.

use std::sync::Arc;

use culvert_conf::{ClientConfig, VisitorConfig};
use culvert_io::{Scope, Stream};
use culvert_proxies::ClientCx;
use culvert_proxy::{ProxyError, VisitorCx};

use crate::proxies::Change;

/// No visitors: the configuration refuses them.
#[derive(Debug)]
pub(crate) struct Visitors;

impl Visitors {
    pub(crate) fn new(_: &ClientConfig, _: ClientCx, _: &Scope) -> Self {
        Self
    }

    pub(crate) fn update(&self, _: &[VisitorConfig]) -> Change {
        Change::default()
    }

    pub(crate) const fn names(&self) -> Vec<String> {
        Vec::new()
    }

    pub(crate) const fn start<C: VisitorCx>(&self, _: &Arc<C>) {}

    pub(crate) fn hand_over(&self, name: &str, _: Stream) -> Result<(), ProxyError> {
        Err(ProxyError::refused(format!("visitor [{name}] not found")))
    }

    pub(crate) fn close(&self) -> std::future::Ready<()> {
        std::future::ready(())
    }
}
