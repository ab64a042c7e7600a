//! Listeners: from an accepted socket to a stream that has something to say.
//!
//! An accept loop takes sockets and nothing else. Whatever waits for a peer (telling what it is,
//! TLS, its first message) runs in a task of its own, on the thread that the connection stays on.

mod classify;
mod links;

use std::{io, sync::Arc};

use bytes::{Buf, BytesMut};
use culvert_io::{Lanes, Peer, Scope, Stream};
use culvert_transport::{AcceptBackoff, BoxSession, Link, report};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    runtime::Handle,
    time::Instant,
};

pub use classify::{ENOUGH, Shared, Verdict, classify};
pub(crate) use links::Links;

use crate::{
    figures::{Layer, Refused},
    greet::{FIRST_MESSAGE, greet},
    server::Server,
    strangers::Seat,
};

/// What a listener is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    /// Clients, and vhost users where a vhost shares the port.
    Bind,
    /// Users of the http vhost.
    VhostHttp,
    /// Users of the https vhost.
    VhostHttps,
    /// Users of tcpmux proxies.
    TcpMux,
}

impl Port {
    const fn name(self) -> &'static str {
        match self {
            Self::Bind => "the bind port",
            Self::VhostHttp => "the vhost http port",
            Self::VhostHttps => "the vhost https port",
            Self::TcpMux => "the tcpmux port",
        }
    }
}

/// Accepts on one listener until dropped, and gives each connection to a lane.
pub(crate) async fn accept(
    listener: TcpListener,
    port: Port,
    server: Arc<Server>,
    lanes: Arc<Lanes>,
    root: Scope,
) {
    let mut backoff = AcceptBackoff::new(port.name());
    loop {
        let (socket, addr) = backoff.next_socket(&listener).await;
        // Users of a vhost are not asked who they are.
        let seat = match port {
            Port::Bind => server.strangers.admit(addr.ip().to_canonical()),
            Port::VhostHttp | Port::VhostHttps | Port::TcpMux => None,
        };
        if port == Port::Bind && seat.is_none() {
            server.figures.counts.refuse(Refused::Crowd);
            tracing::debug!("too many connections from [{addr}] have not said who they are");
            continue;
        }
        // Without a mux a session is many connections; those of one address share a thread.
        let runtime = match (port, server.config().transport.tcp_mux) {
            (Port::Bind, None) => lanes.shared_by(&addr.ip()),
            _ => lanes.pick(),
        };
        let lane = root.child_on(runtime, tracing::Span::none());
        let server = Arc::clone(&server);
        // A socket is driven by the runtime that registers it: the lane takes it over.
        match socket.into_std() {
            Ok(socket) => {
                let tasks = lane.clone();
                tasks.spawn(async move {
                    if let Err(err) = arrive(socket, port, &server, &lane, seat).await {
                        tracing::debug!("connection from [{addr}] ended: {err}");
                    }
                });
            }
            Err(err) => tracing::warn!("cannot hand a connection over: {err}"),
        }
    }
}

/// Sets a socket up on its lane and serves it as its port demands.
async fn arrive(
    socket: std::net::TcpStream,
    port: Port,
    server: &Arc<Server>,
    lane: &Scope,
    seat: Option<Seat>,
) -> io::Result<()> {
    let socket = TcpStream::from_std(socket)?;
    culvert_io::socket::tune(&socket, server.config().transport.tcp_keepalive)?;
    if matches!(port, Port::Bind) && server.config().transport.tcp_mux.is_some() {
        culvert_io::socket::hold_back(&socket);
    }
    let peer = Peer::new(socket.peer_addr()?, socket.local_addr()?, "tcp");
    let stream = Stream::tcp(socket, peer);
    match port {
        Port::Bind => {
            // Boxed: handshakes are large and over when the connection begins its long life.
            let arrived = Box::pin(arrive_on_bind(stream, server, lane, seat)).await;
            if let Some(arrived) = arrived {
                serve_session(arrived, server, lane).await;
            }
        }
        Port::VhostHttp => serve_http(stream, server),
        Port::VhostHttps => serve_https(stream, server),
        Port::TcpMux => serve_tcpmux(stream, server),
    }
    Ok(())
}

/// Serves a user of the http vhost; a request in hand may end when the server stops.
fn serve_http(stream: Stream, server: &Server) {
    let Some(vhost) = server.http.clone() else {
        return;
    };
    let users = server
        .vhost_users
        .child_on(Handle::current(), tracing::Span::none());
    let scope = users.clone();
    users.spawn_graceful(|_stop| async move { vhost.serve(stream, &scope).await });
}

/// Serves a user of the https vhost.
fn serve_https(stream: Stream, server: &Server) {
    let Some(vhost) = server.https.clone() else {
        return;
    };
    let users = server
        .vhost_users
        .child_on(Handle::current(), tracing::Span::none());
    users.spawn_graceful(|_stop| async move { vhost.serve(stream).await });
}

/// Serves a user of tcpmux proxies.
fn serve_tcpmux(stream: Stream, server: &Server) {
    let Some(vhost) = server.tcpmux.clone() else {
        return;
    };
    let users = server
        .vhost_users
        .child_on(Handle::current(), tracing::Span::none());
    users.spawn_graceful(|_stop| async move { vhost.serve(stream).await });
}

/// A mux session whose peer has not said who it is.
pub(super) struct Arrived {
    pub(super) session: BoxSession,
    /// When it must have done so.
    pub(super) deadline: Instant,
    pub(super) stranger: Option<Seat>,
}

/// Finds out what came to the bind port and serves it, unless it is a session: then that is
/// answered.
async fn arrive_on_bind(
    mut stream: Stream,
    server: &Arc<Server>,
    lane: &Scope,
    seat: Option<Seat>,
) -> Option<Arrived> {
    let peer = stream.peer().addr;
    let counts = Arc::clone(&server.figures.counts);
    let deadline = Instant::now() + FIRST_MESSAGE;
    let sniffed = tokio::time::timeout_at(deadline, sniff(&mut stream, server.shared)).await;
    let (verdict, head) = match sniffed {
        Ok(Ok(sniffed)) => sniffed,
        // Probes that connect and leave are everyday; they are nobody's fault.
        Ok(Err(err)) => {
            tracing::debug!("[{peer}] left before it said anything: {err}");
            return None;
        }
        Err(_) => {
            counts.refuse(Refused::Silence);
            tracing::warn!("[{peer}] said nothing within {FIRST_MESSAGE:?}, closing");
            return None;
        }
    };
    let stream = stream.rewind(head.freeze());
    let stack = server.stack.load_full();
    let begun = Instant::now();
    let link = match verdict {
        Verdict::VhostHttp => {
            serve_http(stream, server);
            return None;
        }
        Verdict::VhostHttps => {
            serve_https(stream, server);
            return None;
        }
        Verdict::Tls | Verdict::TlsAfterByte => stack.tls(stream, lane, deadline).await,
        Verdict::Plain => stack.plain(stream, lane),
        Verdict::Websocket | Verdict::NeedMore => stack.websocket(stream, lane, deadline).await,
    };
    let layer = match verdict {
        Verdict::Tls | Verdict::TlsAfterByte => Some(Layer::Tls),
        Verdict::Websocket => Some(Layer::Websocket),
        _ => None,
    };
    if let (Ok(_), Some(layer)) = (&link, layer) {
        counts.shook(layer, begun.elapsed());
    }
    match link {
        Ok(Link::Session(session)) => {
            return Some(Arrived {
                session,
                deadline,
                stranger: seat,
            });
        }
        Ok(Link::Pipe(stream)) => {
            greet(server, lane, (stream, None), deadline).await;
            drop(seat);
        }
        Ok(other) => tracing::error!("internal error: no use for {other:?}"),
        Err(err) => {
            counts.refuse(Refused::Handshake);
            tracing::warn!("connection from [{peer}] refused: {}", report(&err));
        }
    }
    None
}

/// Reads until the first bytes tell what the connection is. A first byte that only announces TLS
/// is swallowed.
async fn sniff(stream: &mut Stream, shared: Shared) -> io::Result<(Verdict, BytesMut)> {
    let mut head = BytesMut::with_capacity(ENOUGH);
    loop {
        match classify(&head, shared) {
            Verdict::NeedMore => {}
            Verdict::TlsAfterByte => {
                head.advance(1);
                return Ok((Verdict::TlsAfterByte, head));
            }
            verdict => return Ok((verdict, head)),
        }
        if stream.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Serves the streams of a mux. A peer that has proved nothing by the deadline is cut off.
async fn serve_session(arrived: Arrived, server: &Arc<Server>, lane: &Scope) {
    let Arrived {
        session,
        deadline,
        mut stranger,
    } = arrived;
    let proof = Arc::new(tokio::sync::Notify::new());
    loop {
        let stream = tokio::select! {
            stream = session.accept() => stream,
            () = proof.notified(), if stranger.is_some() => {
                stranger = None;
                continue;
            }
            () = tokio::time::sleep_until(deadline), if stranger.is_some() => {
                server.figures.counts.refuse(Refused::Silence);
                tracing::warn!("no login on a connection within {FIRST_MESSAGE:?}, closing it");
                return session.close("no login in time").await;
            }
        };
        let stream = match stream {
            Ok(stream) => stream,
            Err(err) => return tracing::debug!("mux session ended: {}", report(&err)),
        };
        let (server, proof, session) = (Arc::clone(server), Arc::clone(&proof), session.clone());
        let tasks = lane.clone();
        let lane = lane.clone();
        tasks.spawn(async move {
            let deadline = Instant::now() + FIRST_MESSAGE;
            if greet(&server, &lane, (stream, Some(&session)), deadline).await {
                session.authenticate();
                proof.notify_one();
            }
        });
    }
}
