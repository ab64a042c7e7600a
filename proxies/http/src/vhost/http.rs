//! The http port: many http proxies behind one listener.

use std::{path::PathBuf, sync::Arc, time::Duration};

use culvert_io::{Scope, Stream};
use culvert_proxy::{Lease, Members, ProxyError, Turn};

use super::{Route, Router, not_found::NotFound};
use crate::{HttpBackend, reverse};

/// The proxies behind a route of the http port.
pub type Backends = Arc<Members<Arc<HttpBackend>>>;

/// All http proxies of a server, and what serves their users.
#[derive(Debug)]
pub struct HttpVhost(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) routes: Routes,
    pub(crate) response_timeout: Duration,
    pub(crate) told: Told,
}

/// Which statuses tell of a service that fails (`vhostHTTPErrorMode`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorMode {
    /// The page of an unknown host, as upstream has it.
    #[default]
    Compatible,
    /// 502 when the service refuses or breaks off, 503 when no client gives a work connection.
    Precise,
}

/// What users are told when they are not served.
#[derive(Debug)]
pub(crate) enum Told {
    /// The page of a miss, and what a failing service is.
    Vhost(NotFound, ErrorMode),
    /// 502 without a page, as Go's reverse proxy has it.
    Bridge,
}

/// Where requests lead to.
#[derive(Debug)]
pub(crate) enum Routes {
    /// To the proxy of their host, path and user.
    Vhost(Router<Backends>),
    /// All to one service.
    One(Backends),
}

impl Routes {
    /// Whose turn it is to serve a request.
    pub(crate) fn lookup(
        &self,
        host: &str,
        path: &str,
        user: &str,
    ) -> Option<Turn<Arc<HttpBackend>>> {
        match self {
            Self::Vhost(router) => Some(router.lookup(host, path, user)?.turn()),
            Self::One(backend) => Some(backend.turn()),
        }
    }
}

/// Requests of one connection after the other, all for one service: what a client's HTTP plugins
/// are made of.
#[derive(Debug)]
pub struct HttpBridge(Arc<Inner>);

impl HttpBridge {
    /// A bridge to `backend`, which may take `response_timeout` to begin its answer.
    #[must_use]
    pub fn new(backend: Arc<HttpBackend>, response_timeout: Duration) -> Self {
        Self(Arc::new(Inner {
            routes: Routes::One(Members::one(backend)),
            response_timeout,
            told: Told::Bridge,
        }))
    }

    /// Serves one user connection to its end, as [`HttpVhost::serve`]. With `tls_name`, the name
    /// in the user's ClientHello, requests for other hosts are answered 421.
    ///
    /// *Cancel safety*: the connection is closed.
    pub async fn serve(&self, stream: Stream, tls_name: Option<String>, scope: &Scope) {
        reverse::serve(Arc::clone(&self.0), tls_name, stream, scope).await;
    }
}

impl HttpVhost {
    /// A port without proxies. A service may take `response_timeout` to begin its answer
    /// (`vhostHTTPTimeout`); `custom_404_page` is read for each request that nobody serves.
    #[must_use]
    pub fn new(response_timeout: Duration, custom_404_page: Option<PathBuf>) -> Self {
        Self::telling(response_timeout, custom_404_page, ErrorMode::default())
    }

    /// [`new`](Self::new) with a choice of what users are told.
    #[must_use]
    pub fn telling(
        response_timeout: Duration,
        custom_404_page: Option<PathBuf>,
        errors: ErrorMode,
    ) -> Self {
        Self(Arc::new(Inner {
            routes: Routes::Vhost(Router::new()),
            response_timeout,
            told: Told::Vhost(NotFound::new(custom_404_page), errors),
        }))
    }

    /// From now on a request that nobody serves gets this page, or the built-in one.
    pub fn set_page(&self, custom_404_page: Option<PathBuf>) {
        if let Told::Vhost(page, _) = &self.0.told {
            page.set(custom_404_page);
        }
    }

    /// Routes requests to proxies, until the lease is dropped.
    ///
    /// # Errors
    /// Refused with upstream's `router config conflict` when there is such a route already.
    pub fn register(&self, route: &Route, backends: Backends) -> Result<Lease, ProxyError> {
        match &self.0.routes {
            Routes::Vhost(router) => router.register(route, backends),
            Routes::One(_) => Err(ProxyError::Internal("a bridge has no routes")),
        }
    }

    /// Serves one user connection to its end, on this thread or on that of the session its first
    /// request is for. Further tasks live in `scope`; when that stops, the requests in hand are
    /// finished.
    ///
    /// *Cancel safety*: the connection is closed, unless it went to another thread.
    pub async fn serve(&self, stream: Stream, scope: &Scope) {
        reverse::serve(Arc::clone(&self.0), None, stream, scope).await;
    }
}
