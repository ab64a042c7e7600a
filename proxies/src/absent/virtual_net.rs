//! In place of the virtual network, in builds without `plugins`: there can be none.

use std::{future::ready, io, net::IpAddr, sync::Arc};

use culvert_conf::Network;
use culvert_io::Scope;
use culvert_proxy::{BoxFuture, BoxVisitor, Visitor, VisitorCx};

/// No network.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VirtualNet;

impl VirtualNet {
    /// Refuses.
    ///
    /// # Errors
    /// Always.
    pub fn open(_: Network, _: &Scope) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// No visitor.
#[derive(Debug)]
#[non_exhaustive]
pub struct VirtualNetVisitor;

impl VirtualNetVisitor {
    /// Not called: there is no network to call it with.
    #[must_use]
    pub fn new(_: BoxVisitor, _: IpAddr, _: &VirtualNet) -> Self {
        Self
    }
}

impl Visitor for VirtualNetVisitor {
    fn run<'a>(&'a self, _: Arc<dyn VisitorCx>, _: &'a Scope) -> BoxFuture<'a, ()> {
        Box::pin(ready(()))
    }
}
