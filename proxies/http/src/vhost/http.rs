//! The http port: many http proxies behind one listener.

use std::{path::PathBuf, sync::Arc, time::Duration};

use culvert_io::{Scope, Stream};
use culvert_proxy::{Lease, ProxyError};

use super::{NotFound, Route, Router};
use crate::{HttpBackend, reverse};

/// All http proxies of a server, and what serves their users.
#[derive(Debug)]
pub struct HttpVhost(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) router: Router<Arc<HttpBackend>>,
    pub(crate) response_timeout: Duration,
    pub(crate) not_found: NotFound,
}

impl HttpVhost {
    /// A port without proxies. A service may take `response_timeout` to begin its answer
    /// (`vhostHTTPTimeout`); `custom_404_page` is read for each request that nobody serves.
    #[must_use]
    pub fn new(response_timeout: Duration, custom_404_page: Option<PathBuf>) -> Self {
        Self(Arc::new(Inner {
            router: Router::new(),
            response_timeout,
            not_found: NotFound::new(custom_404_page),
        }))
    }

    /// Routes requests to a proxy, until the lease is dropped.
    ///
    /// # Errors
    /// Refused with upstream's `router config conflict` when there is such a route already.
    pub fn register(&self, route: &Route, backend: Arc<HttpBackend>) -> Result<Lease, ProxyError> {
        self.0.router.register(route, backend)
    }

    /// Serves one user connection to its end. Further tasks live in `scope`; when that stops, the
    /// requests in hand are finished.
    ///
    /// *Cancel safety*: the connection is closed.
    pub async fn serve(&self, stream: Stream, scope: &Scope) {
        reverse::serve(Arc::clone(&self.0), stream, scope).await;
    }
}
