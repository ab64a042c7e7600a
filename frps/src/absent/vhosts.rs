//! In place of shared ports, in builds without `http`: there are none.

use std::{future::Ready, path::PathBuf, sync::Arc};

use culvert_conf::ServerConfig;
use culvert_io::{Scope, Stream};

/// Never there.
#[derive(Debug)]
pub(crate) enum HttpVhost {}
/// Never there.
#[derive(Debug)]
pub(crate) enum HttpsVhost {}
/// Never there.
#[derive(Debug)]
pub(crate) enum ConnectVhost {}

impl HttpVhost {
    pub(crate) fn serve(&self, _: Stream, _: &Scope) -> Ready<()> {
        match *self {}
    }

    pub(crate) fn set_page(&self, _: Option<PathBuf>) {
        match *self {}
    }
}

impl HttpsVhost {
    pub(crate) fn serve(&self, _: Stream) -> Ready<()> {
        match *self {}
    }
}

impl ConnectVhost {
    pub(crate) fn serve(&self, _: Stream) -> Ready<()> {
        match *self {}
    }

    pub(crate) fn set_page(&self, _: Option<PathBuf>) {
        match *self {}
    }
}

/// None of them.
#[derive(Debug, Default)]
pub(crate) struct Vhosts {
    pub(crate) http: Option<Arc<HttpVhost>>,
    pub(crate) https: Option<Arc<HttpsVhost>>,
    pub(crate) tcpmux: Option<Arc<ConnectVhost>>,
}

impl Vhosts {
    pub(crate) fn new(_: &ServerConfig) -> Self {
        Self::default()
    }

    pub(crate) fn lent(&self, _: &ServerConfig) -> culvert_proxies::Vhosts {
        culvert_proxies::Vhosts::default()
    }
}
