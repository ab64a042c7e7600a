//! In place of the dashboard, in builds without `dashboard`: there is none.

use std::sync::Arc;

use culvert_conf::WebServer;
use culvert_io::Scope;

use crate::{reload::Reloader, server::Server};

/// Nobody.
#[derive(Clone)]
pub(crate) struct Admission;

impl Admission {
    pub(crate) const fn of(_: Option<&WebServer>) -> Self {
        Self
    }

    pub(crate) const fn set(&self, _: Option<&WebServer>) {}
}

/// No routes.
pub(crate) struct Site;

/// Never asked for: no port is opened.
pub(crate) fn site(_: &Server, _: &WebServer, _: &Scope, reloader: Arc<Reloader>) -> Site {
    drop(reloader);
    Site
}
