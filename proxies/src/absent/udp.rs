//! In place of udp at the client, in builds without `udp`: refuses.

use std::future::ready;

use culvert_conf::ProxyProtocol;
use culvert_io::Scope;
use culvert_proxy::{BoxFuture, ClientProxy, ProxyError, Work};

/// A proxy that serves nobody: the configuration refuses it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalUdp;

impl LocalUdp {
    pub(crate) fn new(_: String, _: u16, _: usize, _: Option<ProxyProtocol>) -> Self {
        Self
    }

    pub(crate) const fn for_visitors(self) -> Self {
        self
    }
}

impl ClientProxy for LocalUdp {
    fn serve<'a>(&'a self, _: Work, _: &'a Scope) -> BoxFuture<'a, Result<(), ProxyError>> {
        let refused = ProxyError::refused("this build has no udp".to_owned());
        Box::pin(ready(Err(refused)))
    }
}
