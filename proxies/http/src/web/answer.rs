//! What a handler answers, in the forms that scripts written for frp expect (api 0).

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use culvert_wire::go_json;
use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS},
};
use hyper::body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use serde::Serialize;
use tokio::time::Instant;

use super::events::Events;

/// One answer. Its body is whole, as answers of these APIs are small, or goes on.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
    events: Option<Box<Events>>,
    error: Option<String>,
}

/// The body of a v1 error; the capitals are upstream's.
#[derive(Serialize)]
struct Said<'a> {
    #[serde(rename = "Code")]
    code: u16,
    #[serde(rename = "Msg")]
    msg: &'a str,
}

impl Answer {
    /// 200 without a body.
    #[must_use]
    pub fn empty() -> Self {
        Self::status(StatusCode::OK)
    }

    /// A status without a body.
    #[must_use]
    pub fn status(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
            events: None,
            error: None,
        }
    }

    /// A body of the type that `content_type` names.
    #[must_use]
    pub fn body(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut answer = Self::empty().with(CONTENT_TYPE, HeaderValue::from_static(content_type));
        answer.body = body.into();
        answer
    }

    /// A body that goes on.
    pub(super) fn events(events: Events) -> Self {
        let mut answer = Self::body("text/event-stream", Bytes::new())
            .with(CACHE_CONTROL, HeaderValue::from_static("no-cache"))
            // Proxies in front are not to collect what belongs to a page now (nginx).
            .with(
                HeaderName::from_static("x-accel-buffering"),
                HeaderValue::from_static("no"),
            );
        answer.events = Some(Box::new(events));
        answer
    }

    /// A short text for people, as Go's `http.Error` writes it.
    #[must_use]
    pub fn text(status: StatusCode, text: &str) -> Self {
        let mut answer = Self::body("text/plain; charset=utf-8", format!("{text}\n"))
            .with(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        answer.status = status;
        answer
    }

    /// 200 and a value as Go writes JSON.
    #[must_use]
    pub fn json<T: Serialize>(value: &T) -> Self {
        Self::json_with(StatusCode::OK, value)
    }

    /// Another status and a value as Go writes JSON.
    #[must_use]
    pub fn json_with<T: Serialize>(status: StatusCode, value: &T) -> Self {
        match go_json(value) {
            Ok(body) => {
                let mut answer = Self::body("application/json", body);
                answer.status = status;
                answer
            }
            Err(error) => {
                tracing::error!("internal error: {error}");
                Self::status(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    /// An error of the v1 APIs: `{"Code":404,"Msg":"…"}`.
    #[must_use]
    pub fn v1_error(status: StatusCode, msg: &str) -> Self {
        let code = status.as_u16();
        Self::json_with(status, &Said { code, msg }).because(msg)
    }

    /// 200 in the form of a v1 error, where upstream answers so.
    #[must_use]
    pub fn v1_success() -> Self {
        let code = StatusCode::OK.as_u16();
        Self::json(&Said {
            code,
            msg: "success",
        })
    }

    /// The same answer, logged as an error with this text.
    #[must_use]
    pub fn because(mut self, error: &str) -> Self {
        self.error = Some(error.to_owned());
        self
    }

    /// The same answer with a header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Sends the browser elsewhere for good; a place that fits into no header is not found.
    pub(super) fn moved(to: &str) -> Self {
        match HeaderValue::from_str(to) {
            Ok(to) => Self::status(StatusCode::MOVED_PERMANENTLY).with(LOCATION, to),
            Err(_) => Self::not_found(),
        }
    }

    pub(super) fn not_found() -> Self {
        Self::text(StatusCode::NOT_FOUND, "404 page not found")
    }

    pub(super) fn unauthorized() -> Self {
        let ask = HeaderValue::from_static("Basic realm=\"Restricted\"");
        Self::text(StatusCode::UNAUTHORIZED, "Unauthorized").with(WWW_AUTHENTICATE, ask)
    }

    /// The status code.
    #[must_use]
    pub const fn code(&self) -> u16 {
        self.status.as_u16()
    }

    /// The body.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// A header that the handler set.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&HeaderValue> {
        let (_, value) = self.headers.iter().find(|(n, _)| n == name)?;
        Some(value)
    }

    pub(super) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// The same as hyper sends it; `moved` is set whenever a part of it was taken to be sent.
    pub(super) fn into_response(self, moved: Arc<Mutex<Instant>>) -> Response<Content> {
        let content = match self.events {
            Some(events) => Content::Events(events, moved),
            None => Content::Whole(self.body),
        };
        let mut response = Response::new(content);
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers);
        response
    }
}

/// The body of an answer.
pub(super) enum Content {
    Whole(Bytes),
    Events(Box<Events>, Arc<Mutex<Instant>>),
}

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = match &mut *self {
            Self::Whole(body) if body.is_empty() => return Poll::Ready(None),
            Self::Whole(body) => std::mem::take(body),
            Self::Events(events, moved) => {
                let event = ready!(Pin::new(&mut **events).poll_next(cx));
                *moved.lock() = Instant::now();
                event
            }
        };
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(body) if body.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => SizeHint::with_exact(body.len() as u64),
            Self::Events(..) => SizeHint::default(),
        }
    }
}
