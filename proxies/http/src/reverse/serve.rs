//! Serves one user connection with hyper: HTTP/1.1, or HTTP/2 with prior knowledge.

use std::{
    convert::Infallible, error::Error, future::Future, io, pin::pin, sync::Arc, time::Duration,
};

use bytes::{Bytes, BytesMut};
use culvert_io::{Peer, Scope, Stream};
use http::{Method, Request, Response, StatusCode, header::UPGRADE};
use hyper::{
    body::{Body, Incoming},
    rt::Executor,
    server::conn::{http1, http2},
    service::{Service, service_fn},
    upgrade::Upgraded,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{io::AsyncReadExt, runtime::Handle, time::timeout};

use super::{
    guard::{Guard, Ties},
    switch::bare_user,
    user::UserConn,
};
use crate::{
    sniff::{Sniff, h2_preface},
    vhost::{Inner, home},
};

/// How long the first bytes may take (upstream's `ReadHeaderTimeout`).
const FIRST_BYTES: Duration = Duration::from_secs(60);

/// As much as is read at first: a usual head of a request, so that its host can be told from it.
const FIRST_READ: usize = 2048;

/// How long a connection may stay without a request. Upstream waits for ever; three minutes
/// outlast the 60 s that common load balancers keep theirs, so that they close first.
const IDLE: Duration = Duration::from_secs(180);

/// The longest head of a request, and hyper's read buffer. Go's limit is 1 MiB; servers behind it
/// take 8 to 64 KiB (nginx 32, Apache 64 in all).
const HEAD: usize = 64 * 1024;
const HEAD_H2: u32 = 64 * 1024;

/// Go's http2 server allows 250 requests at once on a connection.
const H2_STREAMS: u32 = 250;
/// How much of a request's body may be on its way, per request and in all.
const H2_STREAM_WINDOW: u32 = 256 * 1024;
const H2_WINDOW: u32 = 1024 * 1024;
/// An HTTP/2 peer that is silent this long is asked for a sign, and given this long for it.
const H2_PING: Duration = Duration::from_secs(60);
const H2_PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Answers the requests of a connection in its own way.
pub trait Handler: Send + Sync + 'static {
    /// The body of answers.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static;

    /// Answers one request. A request that asks to leave HTTP leaves it when the answer is 101,
    /// or 2xx to a CONNECT; its stream is what [`bare`] makes of hyper's upgrade.
    ///
    /// *Cancel safety*: the user is gone.
    fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Self::Body>> + Send;
}

/// Serves the requests of `stream`, read as strictly and within the same bounds as a vhost's.
///
/// *Cancel safety*: the connection is closed.
pub async fn serve_handler<H: Handler>(handler: Arc<H>, mut stream: Stream, scope: &Scope) {
    let Some((is_h2, seen)) = begin(&mut stream).await else {
        return;
    };
    let make = |ties: Arc<Ties>, _peer| {
        service_fn(move |request: Request<Incoming>| {
            let (handler, ties) = (Arc::clone(&handler), Arc::clone(&ties));
            async move {
                let connect = request.method() == Method::CONNECT;
                let may_leave = connect || request.headers().contains_key(UPGRADE);
                let response = handler.answer(request).await;
                if may_leave {
                    let status = response.status();
                    let switched = status == StatusCode::SWITCHING_PROTOCOLS;
                    ties.settle(switched || connect && status.is_success());
                }
                Ok(response)
            }
        })
    };
    serve_with((is_h2, stream.rewind(seen)), scope, make).await;
}

/// The stream under a connection that [`serve_handler`] served and that has left HTTP.
#[must_use]
pub fn bare(upgraded: Upgraded, peer: Peer) -> Stream {
    bare_user(upgraded, peer)
}

/// Serves the requests of `stream` until it ends, on this thread or on that of the session its first
/// request is for; told to stop, it finishes the request in hand.
///
/// *Cancel safety*: the connection is closed, unless it went to another thread.
pub(crate) async fn serve(
    vhost: Arc<Inner>,
    tls_name: Option<String>,
    mut stream: Stream,
    scope: &Scope,
) {
    let Some((is_h2, seen)) = begin(&mut stream).await else {
        return;
    };
    let lane = home(&vhost.routes, &seen).filter(|lane| lane.id() != Handle::current().id());
    let stream = stream.rewind(seen);
    let Some(lane) = lane else {
        return serve_here(vhost, tls_name, (is_h2, stream), scope).await;
    };
    let scope = scope.child_on(lane, scope.span().clone());
    let tasks = scope.clone();
    tasks.spawn_graceful(|_stop| async move {
        match stream.adopt() {
            Ok(stream) => serve_here(vhost, tls_name, (is_h2, stream), &scope).await,
            Err(error) => tracing::debug!("a user of the http port is gone already: {error}"),
        }
    });
}

async fn serve_here(
    vhost: Arc<Inner>,
    tls_name: Option<String>,
    begun: (bool, Stream),
    scope: &Scope,
) {
    let make = |ties, peer| {
        let user = UserConn::new(vhost, tls_name, ties, peer, scope.clone());
        let user = Arc::new(user);
        service_fn(move |request| Arc::clone(&user).answer(request))
    };
    serve_with(begun, scope, make).await;
}

/// Whether a user speaks HTTP/2, and its first bytes, which must be put back; `None` for one who
/// says nothing in time.
async fn begin(stream: &mut Stream) -> Option<(bool, Bytes)> {
    timeout(FIRST_BYTES, first_bytes(stream)).await.ok()?.ok()
}

/// Serves the requests of a stream with a service made for it.
async fn serve_with<S, B>(
    (is_h2, stream): (bool, Stream),
    scope: &Scope,
    make: impl FnOnce(Arc<Ties>, Peer) -> S,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let peer = *stream.peer();
    let ties = Arc::new(Ties::default());
    let service = make(Arc::clone(&ties), peer);
    let ended = if is_h2 {
        Box::pin(serve_h2(stream, service, scope)).await
    } else {
        Box::pin(serve_h1(Guard::new(stream, ties), service, scope)).await
    };
    if let Err(error) = ended {
        tracing::debug!("http connection of [{}] ended: {error}", peer.addr);
    }
}

async fn serve_h1<S, B>(stream: Guard, service: S, scope: &Scope) -> hyper::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(HEAD)
        .title_case_headers(true) // upstream: Go writes header names so
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut served = pin!(served);
    tokio::select! {
        biased;
        ended = served.as_mut() => return ended,
        () = scope.stopped() => served.as_mut().graceful_shutdown(),
    }
    served.await
}

async fn serve_h2<S, B>(stream: Stream, service: S, scope: &Scope) -> hyper::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let served = http2::Builder::new(InScope(scope.clone()))
        .timer(TokioTimer::new())
        .keep_alive_interval(H2_PING)
        .keep_alive_timeout(H2_PING_TIMEOUT)
        .max_concurrent_streams(H2_STREAMS)
        .max_header_list_size(HEAD_H2)
        .initial_stream_window_size(H2_STREAM_WINDOW)
        .initial_connection_window_size(H2_WINDOW)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = pin!(served);
    tokio::select! {
        biased;
        ended = served.as_mut() => return ended,
        () = scope.stopped() => served.as_mut().graceful_shutdown(),
    }
    served.await
}

/// Reads until it is clear which HTTP this is; the bytes must be put back.
async fn first_bytes(stream: &mut Stream) -> io::Result<(bool, Bytes)> {
    let mut seen = BytesMut::with_capacity(FIRST_READ);
    loop {
        let n = stream.read_buf(&mut seen).await?;
        match h2_preface(&seen) {
            Sniff::Found(()) => return Ok((true, seen.freeze())),
            Sniff::NeedMore(_) if n > 0 => {}
            Sniff::NeedMore(_) | Sniff::No => return Ok((false, seen.freeze())),
        }
    }
}

/// Spawns what hyper wants to run for HTTP/2 into a scope.
#[derive(Clone)]
pub(super) struct InScope(pub(super) Scope);

impl<F> Executor<F> for InScope
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, work: F) {
        self.0.spawn_graceful(|_stop| async move {
            drop(work.await);
        });
    }
}
