//! Bodies on their way through: hyper's own, watched for their end.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::Notify;

use super::{pool::Checkout, record::Record, stall::Stall};

/// Whether the body of a request has been passed on to its end.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    whole: AtomicBool,
    over: Notify,
    bytes: AtomicU64,
}

impl Sent {
    /// Whether all of it was passed on.
    pub(super) fn is_whole(&self) -> bool {
        self.whole.load(Ordering::Acquire)
    }

    /// Bytes passed on so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Waits until no more of the body will be passed on, whole or not.
    ///
    /// *Cancel safety*: safe.
    pub(super) async fn over(&self) {
        self.over.notified().await;
    }
}

/// Whether nothing comes behind this: hyper does not ask again after trailers.
fn is_last(polled: &Poll<Option<Result<Frame<Bytes>, hyper::Error>>>) -> bool {
    match polled {
        Poll::Ready(None) => true,
        Poll::Ready(Some(Ok(frame))) => frame.is_trailers(),
        Poll::Ready(Some(Err(_))) | Poll::Pending => false,
    }
}

/// How many bytes of a body came.
fn len_of(polled: &Poll<Option<Result<Frame<Bytes>, hyper::Error>>>) -> usize {
    match polled {
        Poll::Ready(Some(Ok(frame))) => frame.data_ref().map_or(0, Bytes::len),
        _ => 0,
    }
}

/// A request's body towards the service.
#[derive(Debug)]
pub(crate) enum RequestBody {
    /// Bytes of our own; `None` once they were passed on, or when there are none.
    Own(Option<Bytes>),
    /// A user's, watched for its end and for standing still.
    User(Incoming, Arc<Sent>, Stall),
}

impl RequestBody {
    /// The body, and what tells of its end if there is any body.
    pub(super) fn new(incoming: Incoming) -> (Self, Option<Arc<Sent>>) {
        if incoming.is_end_stream() {
            return (Self::empty(), None);
        }
        let sent = Arc::new(Sent::default());
        let body = Self::User(incoming, Arc::clone(&sent), Stall::default());
        (body, Some(sent))
    }

    pub(super) const fn empty() -> Self {
        Self::Own(None)
    }

    /// Bytes that are there already.
    pub(crate) fn full(bytes: Bytes) -> Self {
        Self::Own(Some(bytes).filter(|b| !b.is_empty()))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let (incoming, sent, stall) = match &mut *self {
            Self::Own(bytes) => return Poll::Ready(bytes.take().map(|b| Ok(Frame::data(b)))),
            Self::User(incoming, sent, stall) => (incoming, sent, stall),
        };
        let polled = Pin::new(&mut *incoming).poll_frame(cx);
        let bytes = u64::try_from(len_of(&polled)).unwrap_or(u64::MAX);
        sent.bytes.fetch_add(bytes, Ordering::Relaxed);
        if is_last(&polled) || incoming.is_end_stream() {
            sent.whole.store(true, Ordering::Release);
            sent.over.notify_one();
        }
        let polled = polled.map_err(io::Error::other);
        stall
            .watch(cx, polled)
            .unwrap_or_else(|stalled| Poll::Ready(Some(Err(stalled.into()))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(bytes) => bytes.is_none(),
            Self::User(incoming, ..) => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(bytes) => exact(bytes.as_ref()),
            Self::User(incoming, ..) => incoming.size_hint(),
        }
    }
}

fn exact(bytes: Option<&Bytes>) -> SizeHint {
    let len = bytes.map_or(0, Bytes::len);
    SizeHint::with_exact(u64::try_from(len).unwrap_or(u64::MAX))
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if let Self::User(_, sent, _) = self {
            sent.over.notify_one();
        }
    }
}

/// A response's body towards the user.
#[derive(Debug)]
pub(super) enum ResponseBody {
    /// Our own words.
    Own(Option<Bytes>),
    /// The service's, with the connection that it comes over and what the access log will say.
    Service(Incoming, Option<Checkout>, Option<Box<Record>>),
}

impl ResponseBody {
    pub(super) const fn empty() -> Self {
        Self::Own(None)
    }

    pub(super) fn full(bytes: Bytes) -> Self {
        Self::Own(Some(bytes).filter(|b| !b.is_empty()))
    }

    /// The service's body; the connection goes back to its pool once all of it was read.
    pub(super) fn service(
        incoming: Incoming,
        checkout: Checkout,
        record: Option<Box<Record>>,
    ) -> Self {
        let mut body = Self::Service(incoming, Some(checkout), record);
        body.give_back();
        body
    }

    fn give_back(&mut self) {
        if let Self::Service(incoming, checkout, record) = self
            && incoming.is_end_stream()
            && let Some(checkout) = checkout.take()
        {
            checkout.give_back();
            if let Some(record) = record {
                record.ended();
            }
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let (incoming, checkout, record) = match &mut *self {
            Self::Own(bytes) => return Poll::Ready(bytes.take().map(|b| Ok(Frame::data(b)))),
            Self::Service(incoming, checkout, record) => (incoming, checkout, record),
        };
        let polled = Pin::new(&mut *incoming).poll_frame(cx);
        if matches!(polled, Poll::Ready(Some(Err(_)))) {
            *checkout = None;
        }
        let ended = is_last(&polled) || incoming.is_end_stream();
        if let Some(record) = record {
            record.passed(len_of(&polled));
            if ended {
                record.ended();
            }
        }
        if ended && let Some(checkout) = checkout.take() {
            checkout.give_back();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(bytes) => bytes.is_none(),
            Self::Service(incoming, ..) => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(bytes) => exact(bytes.as_ref()),
            Self::Service(incoming, ..) => incoming.size_hint(),
        }
    }
}
