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
use crate::{
    ErrorMode,
    vhost::{SERVER as VERSION, Told},
};

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
    /// The answer to the user (protocol 5.4): 504 without a page when it took too long; the user's
    /// own faults are told as such; for the rest see [`ErrorMode`].
    pub(super) async fn response(&self, told: &Told) -> Response<ResponseBody> {
        match self {
            Self::Malformed(_) => {
                let mut response = plain(StatusCode::BAD_REQUEST, "400 Bad Request\n");
                response
                    .headers_mut()
                    .insert(CONNECTION, HeaderValue::from_static("close"));
                response
            }
            Self::Unauthorized { proxy } => unauthorized(*proxy),
            Self::Timeout => with_status(StatusCode::GATEWAY_TIMEOUT, ResponseBody::empty()),
            Self::Misdirected => {
                with_status(StatusCode::MISDIRECTED_REQUEST, ResponseBody::empty())
            }
            Self::NoRoute(_) => told.nobody().await,
            Self::Work(_) => told.failed(StatusCode::SERVICE_UNAVAILABLE).await,
            Self::Backend(_) | Self::Switched => told.failed(StatusCode::BAD_GATEWAY).await,
        }
    }
}

impl Told {
    /// What is said when nobody serves the host.
    async fn nobody(&self) -> Response<ResponseBody> {
        let Self::Vhost(page, _) = self else {
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

    /// What is said when who serves the host fails; `status` says how.
    async fn failed(&self, status: StatusCode) -> Response<ResponseBody> {
        match self {
            Self::Vhost(_, ErrorMode::Precise) => plain(status, precise_words(status)),
            Self::Vhost(_, ErrorMode::Compatible) | Self::Bridge => self.nobody().await,
        }
    }
}

fn precise_words(status: StatusCode) -> &'static str {
    match status {
        StatusCode::SERVICE_UNAVAILABLE => "503 Service Unavailable\n",
        _ => "502 Bad Gateway\n",
    }
}

fn unauthorized(proxy: bool) -> Response<ResponseBody> {
    let (status, name, text) = if proxy {
        let status = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        let text = "Proxy Authentication Required\n";
        (status, PROXY_AUTHENTICATE, text)
    } else {
        (StatusCode::UNAUTHORIZED, WWW_AUTHENTICATE, "Unauthorized\n")
    };
    let mut response = plain(status, text);
    let headers = response.headers_mut();
    let ask = HeaderValue::from_static("Basic realm=\"Restricted\"");
    headers.insert(name, ask);
    let kind_is_final = HeaderValue::from_static("nosniff");
    headers.insert(X_CONTENT_TYPE_OPTIONS, kind_is_final);
    response
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
