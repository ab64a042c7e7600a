//! Requests of our own: a URL says where they go, and the whole answer comes back or none.
//!
//! Connections are kept between requests. A server that hangs costs one request its time limit,
//! one that never stops talking costs one bounded buffer.

use std::{fmt, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use culvert_io::Scope;
use culvert_proxy::{ProxyError, UserAddrs};
use http::{
    HeaderValue, Request, Response, Uri,
    header::{AUTHORIZATION, HOST},
    response::Parts,
    uri::PathAndQuery,
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;

use crate::{
    Dial, HttpBackend, HttpRules,
    reverse::{Checkout, Fault, RequestBody},
    web::decoded,
};

/// Why an address is no place for requests.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It is no URL.
    #[error("not a URL of the form http://host:port/path")]
    Malformed,
    /// Its scheme is neither `http` nor `https`.
    #[error("unsupported protocol scheme {0:?}")]
    Scheme(String),
}

/// Where requests go: a URL taken apart.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Whether it is reached over TLS.
    pub https: bool,
    /// Its name or address; an IPv6 address stands in brackets.
    pub host: String,
    /// Its port, the scheme's own if the URL names none.
    pub port: u16,
    /// The path and query of requests.
    pub path: PathAndQuery,
    /// The `Host` header.
    authority: HeaderValue,
    /// What `user:password@` in the URL becomes.
    authorization: Option<HeaderValue>,
}

impl Endpoint {
    /// Takes a URL apart; one without a scheme means `http`.
    ///
    /// # Errors
    /// It is no URL, or has another scheme.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        let whole = match url.split_once("://") {
            Some(_) => url.to_owned(),
            None => format!("http://{url}"),
        };
        let uri: Uri = whole.parse().map_err(|_| UrlError::Malformed)?;
        let https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            other => return Err(UrlError::Scheme(other.unwrap_or_default().to_owned())),
        };
        let authority = uri.authority().ok_or(UrlError::Malformed)?;
        let (login, bare) = match authority.as_str().rsplit_once('@') {
            Some((login, bare)) => (Some(login), bare),
            None => (None, authority.as_str()),
        };
        let port = match bare.strip_prefix(authority.host()) {
            Some("") if https => 443,
            Some("") => 80,
            _ => authority.port_u16().ok_or(UrlError::Malformed)?,
        };
        if authority.host().is_empty() {
            return Err(UrlError::Malformed);
        }
        // A query without a path belongs to the root, as Go has it; `Display` sees to that.
        let path = uri.path_and_query().map(PathAndQuery::to_string);
        let path = path.as_deref().unwrap_or("/").parse();
        Ok(Self {
            https,
            host: authority.host().to_owned(),
            port,
            path: path.map_err(|_| UrlError::Malformed)?,
            authority: HeaderValue::from_str(bare).map_err(|_| UrlError::Malformed)?,
            authorization: login.map(basic).transpose()?,
        })
    }
}

/// The header for the `user:password` of a URL (RFC 7617).
fn basic(login: &str) -> Result<HeaderValue, UrlError> {
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let part = |text| decoded(text, false).ok_or(UrlError::Malformed);
    let pair = format!("{}:{}", part(user)?, part(password)?);
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair)))
        .map_err(|_| UrlError::Malformed)?;
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("https", &self.https)
            .field("authority", &self.authority)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboundError {
    /// The server cannot be reached.
    #[error(transparent)]
    Dial(ProxyError),
    /// It did not answer in time.
    #[error("no whole answer within {0:?}")]
    Timeout(Duration),
    /// It broke off or does not speak HTTP.
    #[error("{0}")]
    Broken(String),
    /// The answer is longer than it may be.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
}

/// What one request may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The time from the dial to the last byte of the answer.
    pub time: Duration,
    /// The bytes of the answer's body.
    pub body: usize,
}

/// A client of one server.
#[derive(Clone)]
pub struct Outbound {
    endpoint: Endpoint,
    backend: Arc<HttpBackend>,
    limits: Limits,
}

impl Outbound {
    /// A client of `endpoint`, which `dial` reaches; its connections live in `scope`.
    #[must_use]
    pub fn new(endpoint: Endpoint, dial: Arc<dyn Dial>, limits: Limits, scope: &Scope) -> Self {
        Self {
            endpoint,
            backend: HttpBackend::dialled(dial, scope, HttpRules::default()),
            limits,
        }
    }

    /// Where requests go.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Sends a request and waits for its whole answer, whatever its status. The request's URI is
    /// its path and query; `Host` and the URL's credentials are added if it has none.
    ///
    /// *Cancel safety*: the connection is closed; the server may have seen the request.
    ///
    /// # Errors
    /// Nobody answers, not in time, not in HTTP, or without end.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, OutboundError> {
        tokio::time::timeout(self.limits.time, Box::pin(self.exchange(request)))
            .await
            .map_err(|_| OutboundError::Timeout(self.limits.time))?
    }

    /// Sends a request as [`send`](Self::send) does, and waits for no more than the head of its
    /// answer. The connection is not kept.
    ///
    /// *Cancel safety*: as there.
    ///
    /// # Errors
    /// As there.
    pub async fn head(&self, request: Request<Bytes>) -> Result<Parts, OutboundError> {
        let (response, _connection) =
            tokio::time::timeout(self.limits.time, Box::pin(self.begin(request)))
                .await
                .map_err(|_| OutboundError::Timeout(self.limits.time))??;
        Ok(response.into_parts().0)
    }

    /// Sends a request and waits for the head of its answer.
    async fn begin(
        &self,
        request: Request<Bytes>,
    ) -> Result<(Response<Incoming>, Checkout), OutboundError> {
        let mut request = request.map(RequestBody::full);
        let headers = request.headers_mut();
        if !headers.contains_key(HOST) {
            headers.insert(HOST, self.endpoint.authority.clone());
        }
        if let Some(login) = &self.endpoint.authorization
            && !headers.contains_key(AUTHORIZATION)
        {
            headers.insert(AUTHORIZATION, login.clone());
        }
        let (nobody, limit) = (UserAddrs::default(), self.limits.time);
        let sent = async {
            let conn = self.backend.open(nobody, limit).await?;
            let sent = self.backend.exchange(conn, request, None, nobody, limit);
            sent.await
        };
        sent.await.map_err(|fault| self.failed(fault))
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, OutboundError> {
        let (response, connection) = self.begin(request).await?;
        let (head, body) = response.into_parts();
        let whole = Limited::new(body, self.limits.body).collect().await;
        let body = whole.map_err(|err| {
            if err.is::<LengthLimitError>() {
                OutboundError::TooLong(self.limits.body)
            } else {
                OutboundError::Broken(err.to_string())
            }
        })?;
        connection.give_back();
        Ok(Response::from_parts(head, body.to_bytes()))
    }

    fn failed(&self, fault: Fault) -> OutboundError {
        match fault {
            Fault::Work(err) => OutboundError::Dial(err),
            Fault::Timeout => OutboundError::Timeout(self.limits.time),
            other => OutboundError::Broken(other.to_string()),
        }
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
