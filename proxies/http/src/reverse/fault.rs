//! Why a request was not answered by a service, and what the user is told.

use std::error::Error;

use bytes::Bytes;
use culvert_proxy::ProxyError;
use http::{
    HeaderValue, Response, StatusCode,
    header::{
        CONNECTION, CONTENT_TYPE, PROXY_AUTHENTICATE, SERVER, WWW_AUTHENTICATE,
        X_CONTENT_TYPE_OPTIONS,
    },
};

use super::body::ResponseBody;
use crate::vhost::{NotFound, SERVER as VERSION};

/// Why a request was not answered by a service.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// Two parsers could read it differently, or it is no HTTP.
    #[error("malformed request: {0}")]
    Malformed(&'static str),
    /// No route leads anywhere.
    #[error("no route found: {0}")]
    NoRoute(String),
    /// The proxy asks for other credentials.
    #[error("http user or password is wrong")]
    Unauthorized {
        /// The request was for a proxy, so the answer is 407.
        proxy: bool,
    },
    /// The user's TLS connection was made for another host (RFC 9110 15.5.20).
    #[error("request for another host than the tls connection is for")]
    Misdirected,
    /// The service did not begin to answer in time.
    #[error("timeout awaiting response headers")]
    Timeout,
    /// There is no work connection.
    #[error(transparent)]
    Work(#[from] ProxyError),
    /// The service closed the connection or broke the protocol.
    #[error("{}", with_cause(.0))]
    Backend(#[from] hyper::Error),
    /// The service switched to a protocol that was not asked for.
    #[error("backend tried to switch to another protocol than the user asked for")]
    Switched,
}

/// hyper's own text leaves out what happened underneath.
fn with_cause(error: &hyper::Error) -> String {
    error
        .source()
        .map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

impl Fault {
    /// The answer to the user (protocol 5.4): 504 without a page when it took too long, the page
    /// of a miss for everything else that is not the user's own fault. Without a page it is 502,
    /// as Go's reverse proxy has it.
    pub(super) async fn response(&self, page: Option<&NotFound>) -> Response<ResponseBody> {
        match self {
            Self::Malformed(_) => {
                let mut response = plain(StatusCode::BAD_REQUEST, "400 Bad Request\n");
                response
                    .headers_mut()
                    .insert(CONNECTION, HeaderValue::from_static("close"));
                response
            }
            Self::Unauthorized { proxy } => {
                let (status, name, text) = if *proxy {
                    let status = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
                    (
                        status,
                        PROXY_AUTHENTICATE,
                        "Proxy Authentication Required\n",
                    )
                } else {
                    (StatusCode::UNAUTHORIZED, WWW_AUTHENTICATE, "Unauthorized\n")
                };
                let mut response = plain(status, text);
                let ask = HeaderValue::from_static("Basic realm=\"Restricted\"");
                response.headers_mut().insert(name, ask);
                let kind_is_final = HeaderValue::from_static("nosniff");
                response
                    .headers_mut()
                    .insert(X_CONTENT_TYPE_OPTIONS, kind_is_final);
                response
            }
            Self::Timeout => with_status(StatusCode::GATEWAY_TIMEOUT, ResponseBody::empty()),
            Self::Misdirected => {
                with_status(StatusCode::MISDIRECTED_REQUEST, ResponseBody::empty())
            }
            Self::NoRoute(_) | Self::Work(_) | Self::Backend(_) | Self::Switched => {
                let Some(page) = page else {
                    return with_status(StatusCode::BAD_GATEWAY, ResponseBody::empty());
                };
                let body = ResponseBody::full(page.page().await);
                let mut response = with_status(StatusCode::NOT_FOUND, body);
                let html = HeaderValue::from_static("text/html; charset=utf-8");
                response.headers_mut().insert(CONTENT_TYPE, html);
                response
                    .headers_mut()
                    .insert(SERVER, HeaderValue::from_static(VERSION));
                response
            }
        }
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<ResponseBody> {
    let mut response = with_status(
        status,
        ResponseBody::full(Bytes::from_static(text.as_bytes())),
    );
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn with_status(status: StatusCode, body: ResponseBody) -> Response<ResponseBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}
