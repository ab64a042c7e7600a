//! A request that is to be answered with 2xx.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use culvert_http::{Dial, Endpoint, Limits, Outbound, OutboundError, UrlError};
use culvert_io::{Scope, Stream};
use culvert_proxy::{BoxFuture, ProxyError};
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, StatusCode,
    header::{HOST, LOCATION},
};
use tokio::{net::TcpStream, time::timeout};

use crate::addr::join_host_port;

/// Redirections that one check follows, as Go's client does it.
const REDIRECTS: usize = 10;

/// Why a service is not well.
#[derive(Debug, thiserror::Error)]
pub(in crate::health) enum Unwell {
    #[error("no answer within {0:?}")]
    Late(Duration),
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error("redirected to {0}, which a health check cannot follow")]
    Tls(String),
    #[error(transparent)]
    Request(#[from] http::Error),
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error("do http health check, StatusCode is [{}] not 2xx", .0.as_u16())]
    Status(StatusCode),
    #[error("stopped after {REDIRECTS} redirects")]
    Redirects,
}

/// What is asked for.
#[derive(Debug)]
pub(in crate::health) struct Page {
    /// Where the first request goes.
    url: String,
    headers: HeaderMap,
}

impl Page {
    /// `path` of the service at `host` and `port`, asked for with `headers`.
    ///
    /// # Errors
    /// Refused when the path or a header cannot be sent.
    pub(super) fn new(
        path: &str,
        headers: &[(String, String)],
        (host, port): (&str, u16),
    ) -> Result<Self, ProxyError> {
        let slash = if path.starts_with('/') { "" } else { "/" };
        let url = format!("http://{}{slash}{path}", join_host_port(host, port));
        Endpoint::parse(&url)
            .map_err(|err| ProxyError::refused(format!("healthCheck.path [{path}]: {err}")))?;
        let mut sent = HeaderMap::new();
        for (name, value) in headers {
            let refused = || ProxyError::refused(format!("invalid healthCheck header [{name}]"));
            let name = HeaderName::try_from(name).map_err(|_| refused())?;
            let value = HeaderValue::try_from(value).map_err(|_| refused())?;
            sent.insert(name, value);
        }
        Ok(Self { url, headers: sent })
    }

    /// Asks once, for at most `limit`. Connections live in a scope inside `scope`.
    ///
    /// *Cancel safety*: the check is broken off.
    pub(super) async fn check(&self, limit: Duration, scope: &Scope) -> Result<(), Unwell> {
        // A connection of its own each time: that a service still has an old one says nothing of
        // whether it takes new ones.
        let scope = StopOnDrop(scope.child(scope.span().clone()));
        timeout(limit, get(&self.url, &self.headers, limit, &scope.0))
            .await
            .map_err(|_| Unwell::Late(limit))?
    }
}

/// A web server, as host and port.
#[derive(Debug)]
struct Web(String);

impl Dial for Web {
    fn dial(&self) -> BoxFuture<'_, Result<Stream, ProxyError>> {
        let failed = |source| ProxyError::Local {
            target: self.0.clone(),
            source,
        };
        Box::pin(async move {
            let socket = TcpStream::connect(&self.0).await.map_err(failed)?;
            let addr = socket.peer_addr().map_err(failed)?;
            Stream::connected(socket, addr).map_err(failed)
        })
    }
}

/// Ends the connections of a check with it.
struct StopOnDrop(Scope);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Asks for `url`, and for what its answer points to.
async fn get(url: &str, headers: &HeaderMap, limit: Duration, scope: &Scope) -> Result<(), Unwell> {
    let (mut url, mut headers) = (url.to_owned(), headers.clone());
    for _ in 0..=REDIRECTS {
        let endpoint = Endpoint::parse(&url)?;
        if endpoint.https {
            // upstream: goes there too; but what answers there is another service.
            return Err(Unwell::Tls(url));
        }
        let service = Web(format!("{}:{}", endpoint.host, endpoint.port));
        let mut request = Request::get(endpoint.path.clone()).body(Bytes::new())?;
        request.headers_mut().clone_from(&headers);
        let limits = Limits {
            time: limit,
            body: 0,
        };
        let answer = Outbound::new(endpoint, Arc::new(service), limits, scope)
            .head(request)
            .await?;
        let status = answer.status;
        if status.is_success() {
            return Ok(());
        }
        let to = answer.headers.get(LOCATION).and_then(|to| to.to_str().ok());
        let Some(to) = to.filter(|_| status.is_redirection()) else {
            return Err(Unwell::Status(status));
        };
        let next = redirected(&url, to);
        if host_of(&next) != host_of(&url) {
            headers.remove(HOST);
        }
        url = next;
    }
    Err(Unwell::Redirects)
}

/// What stands between the scheme and the path.
fn host_of(url: &str) -> Option<&str> {
    url.split_once("://")?.1.split(['/', '?', '#']).next()
}

/// Where `to`, found at `base`, leads: a whole URL, a path, or a place beside `base`.
#[must_use]
pub fn redirected(base: &str, to: &str) -> String {
    if to.contains("://") {
        return to.to_owned();
    }
    let (scheme, rest) = base.split_once("://").unwrap_or(("http", base));
    if let Some(elsewhere) = to.strip_prefix("//") {
        return format!("{scheme}://{elsewhere}");
    }
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if to.starts_with('/') {
        return format!("{scheme}://{host}{to}");
    }
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let slash = if folder.is_empty() { "" } else { "/" };
    format!("{scheme}://{host}/{folder}{slash}{to}")
}

#[cfg(test)]
mod tests {
    use super::redirected;

    #[test]
    fn redirections_lead_where_a_browser_goes() {
        for (to, expected) in [
            ("https://other.test/x", "https://other.test/x"),
            ("//other.test/x", "http://other.test/x"),
            ("/login", "http://h:1/login"),
            ("login", "http://h:1/a/login"),
        ] {
            assert_eq!(redirected("http://h:1/a/b?c=/d", to), expected);
        }
        assert_eq!(redirected("http://h:1/b", "c"), "http://h:1/c");
    }
}
