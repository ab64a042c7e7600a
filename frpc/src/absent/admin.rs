//! In place of the admin API, in builds without `dashboard`: there is none.

use std::sync::Arc;

use culvert_conf::WebServer;
use culvert_io::Scope;
use tokio::sync::Notify;

use crate::setup::Setup;

/// What handlers would work on.
#[derive(Debug)]
pub(crate) struct Admin {
    pub(crate) setup: Arc<Setup>,
    /// Told when the client is to stop.
    pub(crate) stop: Notify,
    /// Where all tasks of the client live.
    pub(crate) root: Scope,
}

/// No routes.
pub(crate) struct Site;

/// Never asked for: no port is opened.
pub(crate) const fn site(_: &Arc<Admin>, _: &WebServer) -> Site {
    Site
}
