//! In place of the port of a web server, in builds without `dashboard`: none is opened.

use std::future::{Ready, ready};

use culvert_conf::WebServer;
use culvert_io::Scope;

/// Which program's pages would be meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// The server's.
    Frps,
    /// The client's.
    Frpc,
}

/// Never: nothing is opened.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {}

/// No port.
#[derive(Clone, Copy, Debug)]
pub enum Door {}

impl Door {
    /// None; a configuration that asks for one was refused.
    ///
    /// # Errors
    /// Never.
    pub fn bind(_: Product, _: Option<&WebServer>) -> Ready<Result<Option<Self>, DoorError>> {
        ready(Ok(None))
    }

    /// Never called.
    #[must_use]
    pub const fn web(&self) -> &WebServer {
        match *self {}
    }

    /// Never called.
    pub fn accept<S>(self, _: S, _: Scope) -> Ready<()> {
        match self {}
    }
}
