//! A vhost in memory: users on one side, services written by the test on the other.

use std::{
    future::Future,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use culvert_io::{Peer, Scope, Stream};
use culvert_proxy::{BoxFuture, Lease, Members, ProxyError, ServerCx, UserAddrs};
use culvert_wire::ProxyName;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    runtime::Handle,
};
use tracing::Span;

use crate::{HttpBackend, HttpRules, HttpVhost, Route};

/// What a pipe holds, so that back-pressure shows.
pub(super) const PIPE: usize = 16 * 1024;

type Service = Box<dyn Fn(DuplexStream, usize) -> BoxFuture<'static, ()> + Send + Sync>;

/// A client's session whose work connections end in a service of the test.
pub(super) struct Session {
    name: ProxyName,
    users: Scope,
    service: Service,
    opened: AtomicUsize,
    refuse: AtomicBool,
    served: Mutex<Vec<UserAddrs>>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}

impl Session {
    pub(super) fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }

    /// From now on there is no work connection.
    pub(super) fn refuse(&self) {
        self.refuse.store(true, Ordering::Relaxed);
    }

    pub(super) fn served(&self) -> Vec<UserAddrs> {
        self.served.lock().clone()
    }
}

impl ServerCx for Session {
    fn name(&self) -> &ProxyName {
        &self.name
    }

    fn work_conn(&self, user: UserAddrs) -> BoxFuture<'_, Result<Stream, ProxyError>> {
        Box::pin(async move {
            if self.refuse.load(Ordering::Relaxed) {
                return Err(ProxyError::NoWorkConn(
                    "timeout trying to get work connection",
                ));
            }
            self.served.lock().push(user);
            let (near, far) = duplex(PIPE);
            let n = self.opened.fetch_add(1, Ordering::Relaxed);
            self.users.spawn((self.service)(far, n));
            Ok(Stream::new(near, peer()))
        })
    }

    fn codec(&self) -> culvert_wire::Codec {
        culvert_wire::Codec::V1
    }

    fn users(&self) -> &Scope {
        &self.users
    }

    fn count_port(&self) -> Result<Lease, ProxyError> {
        Ok(Lease::new(|| {}))
    }
}

pub(super) fn peer() -> Peer {
    let addr = |text: &str| text.parse::<SocketAddr>().unwrap();
    Peer::new(addr("192.0.2.7:40000"), addr("192.0.2.1:80"), "memory")
}

/// A vhost, its proxies and the scope of everything.
pub(super) struct World {
    pub(super) vhost: Arc<HttpVhost>,
    pub(super) scope: Scope,
    leases: Mutex<Vec<Lease>>,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(HttpVhost::new(Duration::from_secs(60), None))
    }

    pub(super) fn with(vhost: HttpVhost) -> Self {
        let scope = Scope::root(Handle::current());
        Self {
            vhost: Arc::new(vhost),
            scope,
            leases: Mutex::default(),
        }
    }

    /// A proxy whose work connections `service` serves; it is told the number of each.
    pub(super) fn proxy<F>(
        &self,
        domain: &str,
        rules: HttpRules,
        service: impl Fn(DuplexStream, usize) -> F + Send + Sync + 'static,
    ) -> Arc<Session>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let route = Route {
            domain: domain.to_owned(),
            ..Route::default()
        };
        self.route(&route, rules, service)
    }

    pub(super) fn route<F>(
        &self,
        route: &Route,
        rules: HttpRules,
        service: impl Fn(DuplexStream, usize) -> F + Send + Sync + 'static,
    ) -> Arc<Session>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let session = Arc::new(Session {
            name: ProxyName::from("web"),
            users: self.scope.child(Span::none()),
            service: Box::new(move |io, n| Box::pin(service(io, n))),
            opened: AtomicUsize::new(0),
            refuse: AtomicBool::new(false),
            served: Mutex::default(),
        });
        let backend = HttpBackend::new(Arc::clone(&session) as _, &self.scope, rules);
        self.leases
            .lock()
            .push(self.vhost.register(route, Members::one(backend)).unwrap());
        session
    }

    /// Ends all proxies.
    pub(super) fn close_proxies(&self) {
        self.leases.lock().clear();
    }

    /// A new user connection.
    pub(super) fn user(&self) -> User {
        let (near, far) = duplex(PIPE);
        let (vhost, scope) = (Arc::clone(&self.vhost), self.scope.clone());
        self.scope
            .spawn(async move { vhost.serve(Stream::new(far, peer()), &scope).await });
        User(near)
    }

    /// One request on a connection of its own.
    pub(super) async fn once(&self, request: &str) -> Answer {
        let mut user = self.user();
        user.send(request).await;
        user.answer().await
    }
}

/// One end of a connection, spoken to in plain bytes.
pub(super) struct User<T = DuplexStream>(pub(super) T);

/// A response, or at a service a request.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The value of a header; `None` when it is missing.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

pub(super) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (n, value) = line.split_once(": ")?;
        n.eq_ignore_ascii_case(name).then_some(value)
    })
}

impl User {
    pub(super) async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }
}

impl<T: AsyncRead + Unpin> User<T> {
    /// The next message up to its empty line; what was read when the stream ends before.
    pub(super) async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match self.0.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
        String::from_utf8(head).unwrap()
    }

    /// The next message with its body, which is decoded if it is chunked.
    pub(super) async fn answer(&mut self) -> Answer {
        let head = self.head().await;
        let mut body = Vec::new();
        if let Some(length) = header(&head, "content-length") {
            body.resize(length.parse().unwrap(), 0);
            self.0.read_exact(&mut body).await.unwrap();
        } else if header(&head, "transfer-encoding").is_some() {
            while let Some(chunk) = self.chunk().await {
                body.extend(chunk);
            }
        }
        Answer { head, body }
    }

    /// The next chunk; `None` at the last one.
    pub(super) async fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = usize::from_str_radix(&self.line().await, 16).unwrap();
        let mut chunk = vec![0; size];
        self.0.read_exact(&mut chunk).await.unwrap();
        assert_eq!(self.line().await, "");
        (size > 0).then_some(chunk)
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        while !line.ends_with("\r\n") {
            line.push(char::from(self.0.read_u8().await.unwrap()));
        }
        line.trim_end().to_owned()
    }

    pub(super) async fn exactly(&mut self, n: usize) -> Vec<u8> {
        let mut bytes = vec![0; n];
        self.0.read_exact(&mut bytes).await.unwrap();
        bytes
    }

    /// Everything until the connection is closed.
    pub(super) async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).await.unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// A service that answers every request with the request's own head, and then its body.
pub(super) async fn mirror(io: DuplexStream, _n: usize) {
    let mut io = User(io);
    loop {
        let request = io.answer().await;
        if request.head.is_empty() {
            return;
        }
        let text = [request.head.as_bytes(), &request.body].concat();
        io.send(&format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
            text.len()
        ))
        .await;
        if !request.head.starts_with("HEAD ") && io.0.write_all(&text).await.is_err() {
            return;
        }
    }
}

/// A service that answers every request with the same bytes.
pub(super) fn always(
    answer: &'static str,
) -> impl Fn(DuplexStream, usize) -> BoxFuture<'static, ()> + Send + Sync + 'static {
    move |io, _n| {
        Box::pin(async move {
            let mut io = User(io);
            while !io.answer().await.head.is_empty() {
                io.send(answer).await;
            }
        })
    }
}
