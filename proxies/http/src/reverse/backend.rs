//! The service behind a proxy: one exchange over a pooled or a new work connection.

use std::{fmt, future::Future, pin::pin, sync::Arc, time::Duration};

use culvert_io::Scope;
use culvert_io::Stream;
use culvert_proxy::{BoxFuture, ProxyError, ServerCx, UserAddrs};
use http::{Method, Request, Response};
use hyper::{
    body::{Body, Incoming},
    client::conn::http1::{Builder, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::runtime::Handle;
use tracing::Span;

use super::{
    HttpRules,
    body::{RequestBody, Sent},
    fault::Fault,
    pool::{Checkout, Kept, Pool},
    target::Target,
};

/// hyper's read buffer towards a service grows up to this while a body fills it.
const READ_BUFFER: usize = 256 * 1024;

/// Opens connections to a service without a server in between.
pub trait Dial: fmt::Debug + Send + Sync + 'static {
    /// One more connection, within a deadline of its own.
    ///
    /// # Errors
    /// The service cannot be reached.
    fn dial(&self) -> BoxFuture<'_, Result<Stream, ProxyError>>;
}

/// Where connections come from.
enum Source {
    /// A session's work connections.
    Session(Arc<dyn ServerCx>),
    /// A service that is dialled, and where the connections live.
    Service(Arc<dyn Dial>, Scope),
}

impl Source {
    async fn connect(&self, user: UserAddrs) -> Result<Stream, ProxyError> {
        match self {
            Self::Session(cx) => {
                let work = cx.work_conn(user).await?;
                Ok(match cx.meter() {
                    Some(meter) => work.counted(Arc::clone(meter)),
                    None => work,
                })
            }
            Self::Service(service, _) => service.dial().await,
        }
    }

    fn scope(&self) -> &Scope {
        match self {
            Self::Session(cx) => cx.users(),
            Self::Service(_, scope) => scope,
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(cx) => cx.name().fmt(f),
            Self::Service(service, _) => service.fmt(f),
        }
    }
}

/// An http proxy as the server sees it, or the service of a bridge: its rules, and connections to
/// the service.
pub struct HttpBackend {
    source: Source,
    pub(super) rules: HttpRules,
    pool: Arc<Pool>,
}

impl HttpBackend {
    /// The proxy of the session `cx`; `scope` is the proxy's own and must end with it.
    #[must_use]
    pub fn new(cx: Arc<dyn ServerCx>, scope: &Scope, rules: HttpRules) -> Arc<Self> {
        Arc::new(Self {
            source: Source::Session(cx),
            rules,
            pool: Pool::new(scope.clone()),
        })
    }

    /// The span that names the proxy.
    pub(super) fn span(&self) -> &Span {
        self.source.scope().span()
    }

    /// The thread that its connections live on.
    pub(crate) fn lane(&self) -> &Handle {
        self.source.scope().lane()
    }

    /// A service that is dialled; its connections live in `scope`.
    #[must_use]
    pub fn dialled(service: Arc<dyn Dial>, scope: &Scope, rules: HttpRules) -> Arc<Self> {
        Arc::new(Self {
            source: Source::Service(service, scope.clone()),
            rules,
            pool: Pool::new(scope.clone()),
        })
    }

    /// Refuses a user who does not know what the proxy asks for.
    pub(super) fn admit(&self, target: &Target) -> Result<(), Fault> {
        match &self.rules.auth {
            Some(asked) if !asked.admit(target.given.as_ref()) => Err(Fault::Unauthorized {
                proxy: target.to_proxy,
            }),
            _ => Ok(()),
        }
    }

    /// A connection for a request: one that was kept, or a new one.
    ///
    /// *Cancel safety*: the connection in hand is closed.
    pub(crate) async fn open(&self, user: UserAddrs, limit: Duration) -> Result<Conn, Fault> {
        while let Some(mut kept) = self.pool.take() {
            if is_ready(&mut kept.sender, limit).await {
                return Ok(Conn(Kind::Kept(kept)));
            }
        }
        let new = self.pool.opened(self.connect(user).await?);
        Ok(Conn(Kind::New(new)))
    }

    /// Sends a request on `conn` and waits for the head of the response. A request that a kept
    /// connection did not take, because the service had closed it, is sent once more over a new
    /// one.
    ///
    /// *Cancel safety*: the connection in use is closed.
    pub(crate) async fn exchange(
        &self,
        conn: Conn,
        mut request: Request<RequestBody>,
        sent: Option<Arc<Sent>>,
        user: UserAddrs,
        limit: Duration,
    ) -> Result<(Response<Incoming>, Checkout), Fault> {
        let mut new = match conn.0 {
            Kind::New(new) => new,
            Kind::Kept(mut kept) => {
                let spare = copy_if_replayable(&request);
                let answer = kept.sender.try_send_request(request);
                match in_time(answer, sent.as_deref(), limit).await? {
                    Ok(response) => return Ok((response, self.checkout(kept, sent))),
                    Err(mut error) => match error.take_message().or(spare) {
                        Some(again) => request = again,
                        None => return Err(Fault::Backend(error.into_error())),
                    },
                }
                self.pool.opened(self.connect(user).await?)
            }
        };
        let answer = new.sender.send_request(request);
        let response = in_time(answer, sent.as_deref(), limit).await??;
        Ok((response, self.checkout(new, sent)))
    }

    fn checkout(&self, kept: Kept, sent: Option<Arc<Sent>>) -> Checkout {
        Checkout {
            kept,
            pool: Arc::clone(&self.pool),
            sent,
        }
    }

    async fn connect(&self, user: UserAddrs) -> Result<SendRequest<RequestBody>, Fault> {
        let work = self.source.connect(user).await?;
        let (sender, connection) = Builder::new()
            .title_case_headers(true) // upstream: Go writes header names so
            .max_buf_size(READ_BUFFER)
            .handshake(TokioIo::new(work))
            .await?;
        let pool = Arc::downgrade(&self.pool);
        self.source.scope().spawn_graceful(|stop| async move {
            let mut connection = pin!(connection.with_upgrades());
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = stop.cancelled() => {
                    // Unused connections end now; a response under way is finished.
                    if let Some(pool) = pool.upgrade() {
                        pool.close();
                    }
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!("http work connection ended: {error}");
            }
        });
        Ok(sender)
    }
}

impl fmt::Debug for HttpBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpBackend")
            .field("source", &self.source)
            .field("rules", &self.rules)
            .field("pool", &self.pool)
            .finish()
    }
}

/// A connection for one request.
pub(crate) struct Conn(Kind);

enum Kind {
    /// It has served others; the service may be closing it.
    Kept(Kept),
    /// It was opened for this one.
    New(Kept),
}

/// Whether a kept connection takes a request. It has read a whole response, so it is ready or
/// closed as soon as its task has run.
async fn is_ready(sender: &mut SendRequest<RequestBody>, limit: Duration) -> bool {
    sender.is_ready()
        || matches!(
            tokio::time::timeout(limit, sender.ready()).await,
            Ok(Ok(()))
        )
}

/// A second copy of a request that may be sent twice: it has no body and changes nothing
/// (RFC 9110 9.2.1).
fn copy_if_replayable(request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
    let safe = [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE];
    if !request.body().is_end_stream() || !safe.contains(request.method()) {
        return None;
    }
    let mut copy = Request::new(RequestBody::empty());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}

/// Waits for an answer, at most `limit` from the end of the request's body on.
async fn in_time<T>(
    answer: impl Future<Output = T>,
    sent: Option<&Sent>,
    limit: Duration,
) -> Result<T, Fault> {
    let mut answer = pin!(answer);
    if let Some(sent) = sent {
        tokio::select! {
            biased;
            answered = answer.as_mut() => return Ok(answered),
            () = sent.over() => {}
        }
    }
    tokio::time::timeout(limit, answer)
        .await
        .map_err(|_| Fault::Timeout)
}
