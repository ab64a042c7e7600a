//! In place of xtcp, in builds without `xtcp`: refuses.

use std::{
    future::{Future, Ready, ready},
    sync::Arc,
    time::Duration,
};

#[cfg(feature = "visitors")]
use culvert_conf::{VisitorConfig, XtcpVisitor as Config};
use culvert_io::Scope;
use culvert_proxy::{
    BoxClientProxy, BoxFuture, ClientProxy, LayerFlags, Opened, ProxyError, ServerCx, ServerKind,
    Work,
};
#[cfg(feature = "visitors")]
use culvert_proxy::{Visitor, VisitorCx};
use culvert_wire::{
    Key,
    msg::{NatHoleClient, NatHoleReport, NatHoleResp, NatHoleVisitor, NewProxy},
};

use crate::PeerCx;

fn refused() -> ProxyError {
    ProxyError::refused("this build has no xtcp")
}

/// A proxy that serves nobody.
#[derive(Clone, Copy, Debug)]
pub(crate) struct XtcpProxy;

impl XtcpProxy {
    pub(crate) fn new(_: BoxClientProxy, _: Key, _: LayerFlags, _: bool, _: PeerCx) -> Self {
        Self
    }
}

impl ClientProxy for XtcpProxy {
    fn serve<'a>(&'a self, _: Work, _: &'a Scope) -> BoxFuture<'a, Result<(), ProxyError>> {
        Box::pin(ready(Err(refused())))
    }
}

/// A visitor that takes nobody.
#[cfg(feature = "visitors")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct XtcpVisitor;

#[cfg(feature = "visitors")]
impl XtcpVisitor {
    pub(crate) fn new(_: &VisitorConfig, _: &Config, _: PeerCx) -> Self {
        Self
    }
}

#[cfg(feature = "visitors")]
impl Visitor for XtcpVisitor {
    fn run<'a>(&'a self, _: Arc<dyn VisitorCx>, _: &'a Scope) -> BoxFuture<'a, ()> {
        tracing::error!("{}", refused());
        Box::pin(ready(()))
    }
}

/// No meetings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Meetings;

impl Meetings {
    /// No table.
    #[must_use]
    pub const fn new(_: Duration) -> Self {
        Self
    }

    /// No answer: whoever asks gives up by itself.
    pub fn visitor(&self, _: NatHoleVisitor, _: &str) -> Ready<Option<NatHoleResp>> {
        ready(None)
    }

    /// As above.
    pub fn client(&self, _: NatHoleClient) -> Ready<Option<NatHoleResp>> {
        ready(None)
    }

    /// Forgets it.
    pub const fn report(&self, _: &NatHoleReport) {}
}

/// `type = "xtcp"` at the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct XtcpKind;

impl XtcpKind {
    pub(crate) fn new(_: Meetings) -> Self {
        Self
    }
}

impl ServerKind for XtcpKind {
    const NAME: &'static str = "xtcp";

    fn open<'a>(
        &'a self,
        _: &'a NewProxy,
        _: Arc<dyn ServerCx>,
        _: &'a Scope,
    ) -> impl Future<Output = Result<Opened, ProxyError>> + Send + 'a {
        ready(Err(refused()))
    }
}
