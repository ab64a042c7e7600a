//! `http_proxy`: a forward proxy: CONNECT, and requests in absolute form.

use std::{io, pin::pin, sync::Arc, time::Duration};

use culvert_conf::ForwardProxy;
use culvert_http::{Credentials, Handler, bare, remove_hop_by_hop, serve_handler};
use culvert_io::{Peer, Relaying, Scope, relay};
use culvert_proxy::{BoxFuture, ClientProxy, ProxyError, Work};
use http::{
    HeaderValue, Method, Request, Response, StatusCode, Uri, Version,
    header::{
        CONNECTION, CONTENT_LENGTH, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
        TRANSFER_ENCODING,
    },
    uri,
};
use http_body_util::BodyExt;
use hyper::{
    body::{Body as _, Incoming},
    upgrade::OnUpgrade,
};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::Instrument;

use crate::{
    answer::{Body, bare_status, text},
    login::{admitted, ask, credentials},
    targets::{Deny, dial},
};

/// How long a server may take to begin its answer while no more of the request is under way.
/// Upstream waits for ever; an hour outlasts what
/// waits on purpose.
const ANSWER: Duration = Duration::from_secs(3600);

/// How long the user's connection may take to let go of HTTP: as long as a request's head.
const LEAVE: Duration = Duration::from_secs(60);

/// The plugin.
#[derive(Debug)]
pub(crate) struct HttpProxy {
    login: Option<Credentials>,
    deny: Deny,
}

impl HttpProxy {
    /// The plugin of a configuration.
    pub(crate) fn new(config: &ForwardProxy) -> Self {
        Self {
            login: credentials(&config.login),
            deny: Deny::new(&config.deny_targets),
        }
    }
}

impl ClientProxy for HttpProxy {
    fn serve<'a>(&'a self, work: Work, scope: &'a Scope) -> BoxFuture<'a, Result<(), ProxyError>> {
        let serve = async move {
            let peer = work.user();
            let conn = Conn {
                login: self.login.clone(),
                deny: self.deny.clone(),
                peer,
                scope: scope.clone(),
            };
            serve_handler(Arc::new(conn), work.stream.with_peer(peer), scope).await;
            Ok(())
        };
        Box::pin(serve.instrument(scope.span().clone()))
    }
}

/// One user's connection.
struct Conn {
    login: Option<Credentials>,
    deny: Deny,
    peer: Peer,
    scope: Scope,
}

impl Handler for Conn {
    type Body = Body;

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let connect = request.method() == Method::CONNECT;
        let login = self.login.as_ref();
        if !admitted(login, request.headers(), &PROXY_AUTHORIZATION).await {
            let status = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
            let words = "Proxy Authentication Required\n";
            return closing(ask(status, PROXY_AUTHENTICATE, "Basic", words), connect);
        }
        let answer = if connect {
            Box::pin(self.tunnel(request)).await
        } else {
            Box::pin(self.forward(request)).await
        };
        answer.unwrap_or_else(|refused| closing(refused, connect))
    }
}

/// After a refused CONNECT, what follows may be meant for the tunnel that is not there.
fn closing(mut response: Response<Body>, connect: bool) -> Response<Body> {
    if connect {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    response
}

/// The answer for a target in `denyTargets`.
fn denied() -> Response<Body> {
    text(StatusCode::FORBIDDEN, "target is denied\n")
}

/// Host and port of a target. A port must be there, or be known by the scheme.
fn target(uri: &Uri) -> Option<(String, u16)> {
    let authority = uri.authority()?;
    let host = authority.host();
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let port = match (authority.port_u16(), uri.scheme_str()) {
        (Some(port), _) => port,
        (None, Some("http")) => 80,
        (None, _) => return None,
    };
    let host = bare.unwrap_or(host);
    (!host.is_empty() && port != 0).then(|| (host.to_owned(), port))
}

impl Conn {
    /// Opens a tunnel; a target that cannot be reached is 400 (upstream http_proxy.go).
    async fn tunnel(
        &self,
        mut request: Request<Incoming>,
    ) -> Result<Response<Body>, Response<Body>> {
        let failed = || bare_status(StatusCode::BAD_REQUEST);
        let (host, port) = target(request.uri()).ok_or_else(failed)?;
        let remote = dial(&host, port, &self.deny).await.map_err(|err| {
            tracing::warn!("http proxy connect [{host}:{port}] error: {err}");
            match err.kind() {
                io::ErrorKind::PermissionDenied => denied(),
                _ => failed(),
            }
        })?;
        let user = hyper::upgrade::on(&mut request);
        let peer = self.peer;
        self.scope
            .spawn_graceful(|_stop| Box::pin(join(user, remote, peer)));
        Ok(bare_status(StatusCode::OK))
    }

    /// Passes a request on; a server that cannot be reached is 500 with the reason (upstream
    /// http_proxy.go).
    async fn forward(&self, request: Request<Incoming>) -> Result<Response<Body>, Response<Body>> {
        let words = "this is a proxy: the target of a request must be a whole http URL\n";
        let refused = || text(StatusCode::BAD_REQUEST, words);
        if request.uri().scheme_str() != Some("http") {
            return Err(refused());
        }
        let (host, port) = target(request.uri()).ok_or_else(refused)?;
        let request = ready(request).ok_or_else(refused)?;
        self.exchange(request, &host, port).await.map_err(|err| {
            tracing::warn!("http proxy request [{host}:{port}] error: {err}");
            let is_denied = |err: &io::Error| err.kind() == io::ErrorKind::PermissionDenied;
            if err.downcast_ref().is_some_and(is_denied) {
                return denied();
            }
            text(StatusCode::INTERNAL_SERVER_ERROR, format!("{err}\n"))
        })
    }

    /// One request over a connection of its own.
    async fn exchange(
        &self,
        request: Request<Incoming>,
        host: &str,
        port: u16,
    ) -> Result<Response<Body>, crate::answer::BodyError> {
        let remote = dial(host, port, &self.deny).await?;
        let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
            .title_case_headers(true) // upstream: Go writes header names so
            .handshake(TokioIo::new(remote))
            .await?;
        self.scope.spawn_graceful(|stop| async move {
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = stop.cancelled() => connection.await,
            };
            if let Err(err) = ended {
                tracing::debug!("http proxy connection ended: {err}");
            }
        });
        let moved = Arc::new(Mutex::new(Instant::now()));
        let request = request.map(|body| watched(body, Arc::clone(&moved)));
        let response = in_time(sender.send_request(request), &moved).await??;
        let (mut parts, body) = response.into_parts();
        if parts.status == StatusCode::SWITCHING_PROTOCOLS {
            return Err("unexpected switch of protocols".into());
        }
        remove_hop_by_hop(&mut parts.headers);
        parts.version = Version::HTTP_11;
        // The sender lives as long as the body: without it the connection would end.
        let body = body.map_err(move |err| {
            let _held = &sender;
            err.into()
        });
        Ok(Response::from_parts(parts, body.boxed_unsync()))
    }
}

/// The request as the server wants it: origin-form, its own host, nothing for the proxy.
fn ready(request: Request<Incoming>) -> Option<Request<Incoming>> {
    let (mut parts, body) = request.into_parts();
    let authority = parts.uri.authority()?.as_str();
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let host = HeaderValue::from_str(host).ok()?;
    remove_hop_by_hop(&mut parts.headers);
    // RFC 9112 3.2.2: the target counts, not what the header says.
    parts.headers.insert(HOST, host);
    // hyper sends no body of unknown length with a GET unless it is told to.
    if !body.is_end_stream() && !parts.headers.contains_key(CONTENT_LENGTH) {
        let chunked = HeaderValue::from_static("chunked");
        parts.headers.insert(TRANSFER_ENCODING, chunked);
    }
    let path = parts.uri.path_and_query().cloned();
    let path = path.unwrap_or_else(|| uri::PathAndQuery::from_static("/"));
    parts.uri = Uri::from(path);
    parts.version = Version::HTTP_11;
    Some(Request::from_parts(parts, body))
}

/// A body that notes when a piece of it passes.
fn watched(body: Incoming, moved: Arc<Mutex<Instant>>) -> Body {
    body.map_frame(move |frame| {
        *moved.lock() = Instant::now();
        frame
    })
    .map_err(Into::into)
    .boxed_unsync()
}

/// Waits for an answer, at most [`ANSWER`] after the last piece of the request.
async fn in_time<T>(answer: impl Future<Output = T>, moved: &Mutex<Instant>) -> io::Result<T> {
    let mut answer = pin!(answer);
    loop {
        let deadline = *moved.lock() + ANSWER;
        if deadline <= Instant::now() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        tokio::select! {
            answered = answer.as_mut() => return Ok(answered),
            () = sleep_until(deadline) => {}
        }
    }
}

/// Relays once the user's connection is bare.
async fn join(user: OnUpgrade, remote: culvert_io::Stream, peer: Peer) {
    match timeout(LEAVE, user).await {
        Ok(Ok(user)) => {
            let done = relay(bare(user, peer), remote, &Relaying::default()).await;
            tracing::debug!("http proxy tunnel of [{}] ended: {:?}", peer.addr, done.end);
        }
        Ok(Err(err)) => tracing::debug!("http proxy tunnel of [{}] failed: {err}", peer.addr),
        Err(_) => tracing::debug!("http proxy tunnel of [{}] took too long", peer.addr),
    }
}
