//! Serves a site on one connection.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use culvert_io::{Scope, Stream};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

use super::Site;

/// How long a head may take, and a connection stay without a request (upstream's read timeout).
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a connection stays after its last request began: a head, a body and an answer have
/// 60 s each (upstream's timeouts).
const CONNECTION: Duration = Duration::from_secs(180);
/// The longest head; servers commonly take 8 to 64 KiB.
const HEAD: usize = 64 * 1024;

/// Serves the requests of `stream` until it ends; once `scope` stops, the one in hand is finished.
///
/// *Cancel safety*: the connection is closed.
pub async fn serve(site: Arc<Site>, stream: Stream, scope: &Scope) {
    let peer = stream.peer().addr;
    let last = Arc::new(Mutex::new(Instant::now()));
    let begun = Arc::clone(&last);
    let service = service_fn(move |request| {
        *begun.lock() = Instant::now();
        let (site, moved) = (Arc::clone(&site), Arc::clone(&begun));
        async move { Ok::<_, Infallible>(site.answer(request).await.into_response(moved)) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD)
        .title_case_headers(true) // upstream: Go writes header names so
        .serve_connection(TokioIo::new(stream), service);
    let mut served = pin!(served);
    let ended = tokio::select! {
        biased;
        ended = served.as_mut() => ended,
        () = stuck(&last) => return tracing::debug!("[{peer}] does not read its answer, closing"),
        () = scope.stopped() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("web connection of [{peer}] ended: {error}");
    }
}

/// Waits until no request began, and no event was taken, for longer than any may take.
async fn stuck(last: &Mutex<Instant>) {
    loop {
        let due = *last.lock() + CONNECTION;
        if due <= Instant::now() {
            return;
        }
        sleep_until(due).await;
    }
}
