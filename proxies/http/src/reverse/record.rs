//! What the access log says of a request: one event when its answer has passed, or was broken off.

use std::sync::Arc;

use culvert_io::{ACCESS_LOG, Peer};
use http::{Method, StatusCode};
use tokio::time::Instant;
use tracing::Span;

use super::body::Sent;

/// A request that is to be told of when this is dropped.
#[derive(Debug)]
pub(super) struct Record {
    from: Peer,
    method: Method,
    host: String,
    begun: Instant,
    /// Names the proxy.
    span: Span,
    sent: Option<Arc<Sent>>,
    /// `None` while the service has not answered.
    status: Option<StatusCode>,
    bytes_out: u64,
    whole: bool,
}

impl Record {
    /// Notes a request for `host`, if anybody wants to know.
    pub(super) fn begin(from: Peer, method: &Method, host: &str) -> Option<Box<Self>> {
        tracing::enabled!(target: ACCESS_LOG, tracing::Level::INFO).then(|| {
            Box::new(Self {
                from,
                method: method.clone(),
                host: host.to_owned(),
                begun: Instant::now(),
                span: Span::none(),
                sent: None,
                status: None,
                bytes_out: 0,
                whole: false,
            })
        })
    }

    /// Notes which proxy serves it, and where its body is counted.
    pub(super) fn served_by(&mut self, span: &Span, sent: Option<&Arc<Sent>>) {
        self.span = span.clone();
        self.sent = sent.cloned();
    }

    /// Notes the head of the answer.
    pub(super) const fn answered(&mut self, status: StatusCode) {
        self.status = Some(status);
    }

    /// Notes a piece of the answer's body.
    pub(super) fn passed(&mut self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.bytes_out = self.bytes_out.saturating_add(bytes);
    }

    /// Notes that the whole answer has passed.
    pub(super) const fn ended(&mut self) {
        self.whole = true;
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let took = self.begun.elapsed().as_millis();
        let end = match self.status {
            None => "not answered by the service",
            Some(_) if self.whole => "answered",
            Some(_) => "broken off",
        };
        let _in_proxy = self.span.enter();
        tracing::info!(
            target: ACCESS_LOG,
            from = %self.from.addr,
            from_transport = self.from.transport,
            method = self.method.as_str(),
            host = self.host,
            status = self.status.map(|status| status.as_u16()),
            bytes_in = self.sent.as_ref().map_or(0, |sent| sent.bytes()),
            bytes_out = self.bytes_out,
            milliseconds = u64::try_from(took).unwrap_or(u64::MAX),
            end,
        );
    }
}
