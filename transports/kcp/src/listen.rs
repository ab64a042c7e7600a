//! Listening: one socket, many conversations, and no state for who does not begin one.

use std::{
    collections::HashMap,
    future::{Ready, ready},
    io,
    net::SocketAddr,
    sync::Arc,
};

use culvert_io::{Peer, Scope, Stream};
use culvert_transport::{Link, Listener, Result, Transport};
use parking_lot::Mutex;
use tokio::{net::UdpSocket, runtime::Handle, sync::mpsc};

use crate::{
    Conversation, KcpTransport, Parameters, error,
    seats::{Graves, Seats},
    session::{Session, receive},
    socket,
    stream::KcpStream,
};

/// Conversations that may wait to be accepted (protocol 2.4).
const BACKLOG: usize = 128;
/// Conversations with one address and port. A peer that starts again takes the same port with
/// another number, and what was there before ends in its own time.
const AT_ONE_PORT: usize = 4;
/// Conversations in all.
const TOTAL: usize = 65_536;

/// The accepting side of the transport.
///
/// Dropping it ends accepting; what was accepted lives on, on the same socket.
#[derive(Debug)]
pub struct KcpAcceptor {
    accepted: mpsc::Receiver<(Stream, SocketAddr)>,
    local: SocketAddr,
}

/// A conversation needs no handshake.
pub type KcpHandshake = Ready<Result<Link>>;

impl KcpAcceptor {
    /// Must be called on the runtime that will receive.
    pub(crate) fn bind(at: SocketAddr, parameters: Parameters) -> Result<Self> {
        let failed = |err| error::listen(at, err);
        let socket = socket::bind(at).map_err(failed)?;
        let local = socket.local_addr().map_err(failed)?;
        let (queue, accepted) = mpsc::channel(BACKLOG);
        let scope = Scope::root(Handle::current());
        let port = Arc::new(Port {
            socket: Arc::new(socket),
            local,
            parameters,
            seats: Arc::new(Seats::default()),
            table: Mutex::new(Table::default()),
            scope: scope.clone(),
        });
        scope.spawn(port.run(queue));
        Ok(Self { accepted, local })
    }
}

impl Listener for KcpAcceptor {
    type Handshake = KcpHandshake;

    async fn accept(&mut self) -> io::Result<(Self::Handshake, SocketAddr)> {
        match self.accepted.recv().await {
            Some((stream, addr)) => Ok((ready(Ok(Link::Pipe(stream))), addr)),
            None => Err(io::Error::other("the kcp socket failed")),
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }
}

/// A socket and the conversations on it.
#[derive(Debug)]
struct Port {
    socket: Arc<UdpSocket>,
    local: SocketAddr,
    parameters: Parameters,
    seats: Arc<Seats>,
    table: Mutex<Table>,
    scope: Scope,
}

#[derive(Debug, Default)]
struct Table {
    /// By address; the one that was heard last comes first and gets the parity, which does not
    /// say whose it is.
    sessions: HashMap<SocketAddr, Vec<Arc<Session>>>,
    count: usize,
    graves: Graves,
}

impl Table {
    /// The conversation that a datagram is for.
    fn find(&mut self, from: SocketAddr, conv: Option<u32>) -> Option<Arc<Session>> {
        let here = self.sessions.get_mut(&from)?;
        if let Some(conv) = conv {
            let at = here.iter().position(|s| s.conv() == conv)?;
            here.swap(0, at);
        }
        here.first().cloned()
    }

    fn remove(&mut self, from: SocketAddr, session: &Arc<Session>) {
        if let Some(here) = self.sessions.get_mut(&from) {
            here.retain(|s| !Arc::ptr_eq(s, session));
            if here.is_empty() {
                self.sessions.remove(&from);
            }
        }
        self.count = self.count.saturating_sub(1);
        self.graves.bury(from, session.conv());
    }
}

type Queue = mpsc::Sender<(Stream, SocketAddr)>;

impl Port {
    /// Receives until nobody accepts any more and the last conversation is over.
    async fn run(self: Arc<Self>, queue: Queue) {
        let mut touched: Vec<Arc<Session>> = Vec::new();
        loop {
            let batch = receive(&self.socket, |datagram, from| {
                if let Some(session) = self.deliver(datagram, from, &queue)
                    && !touched.iter().any(|t| Arc::ptr_eq(t, &session))
                {
                    touched.push(session);
                }
            });
            tokio::select! {
                received = batch => {
                    if let Err(err) = received {
                        return tracing::error!("the kcp socket failed, restart to get it back: {err}");
                    }
                }
                () = self.unused(&queue) => return,
            }
            for session in touched.drain(..) {
                session.settle();
            }
        }
    }

    /// Waits until nobody accepts and nothing is open.
    async fn unused(&self, queue: &Queue) {
        queue.closed().await;
        loop {
            let some = self
                .table
                .lock()
                .sessions
                .values()
                .flatten()
                .next()
                .cloned();
            match some {
                Some(session) => session.over().await,
                None => return,
            }
            // Its own task takes it from the table right after.
            tokio::task::yield_now().await;
        }
    }

    /// Gives a datagram to its conversation, which may begin with it.
    fn deliver(
        self: &Arc<Self>,
        datagram: &[u8],
        from: SocketAddr,
        queue: &Queue,
    ) -> Option<Arc<Session>> {
        let conv = Conversation::named_by(datagram);
        let known = self.table.lock().find(from, conv);
        let session = match known {
            Some(session) => session,
            None => self.begin(datagram, from, queue)?,
        };
        session.deliver(datagram).then_some(session)
    }

    /// A new conversation, if this datagram has its first bytes and there is room.
    fn begin(
        self: &Arc<Self>,
        datagram: &[u8],
        from: SocketAddr,
        queue: &Queue,
    ) -> Option<Arc<Session>> {
        let conv = Conversation::begun_by(datagram)?;
        let mut table = self.table.lock();
        let here = table.sessions.get(&from).map_or(0, Vec::len);
        if here >= AT_ONE_PORT || table.count >= TOTAL || table.graves.holds(from, conv) {
            return None;
        }
        let place = queue.try_reserve().ok()?;
        let seat = self.seats.admit(from.ip().to_canonical())?;
        let socket = Arc::clone(&self.socket);
        let session = Session::new(conv, &self.parameters, socket, from, Some(seat));
        table.count += 1;
        let sessions = table.sessions.entry(from).or_default();
        sessions.insert(0, Arc::clone(&session));
        drop(table);
        let (port, running) = (Arc::clone(self), Arc::clone(&session));
        self.scope.spawn(async move {
            let _gone = Gone {
                port: &port,
                from,
                session: &running,
            };
            Arc::clone(&running).run().await;
        });
        let peer = Peer::new(from, self.local, KcpTransport::NAME);
        let stream = Stream::new(KcpStream::new(Arc::clone(&session)), peer);
        place.send((stream, peer.addr));
        Some(session)
    }
}

/// Takes a conversation from the table when its task ends, also when that panics.
struct Gone<'a> {
    port: &'a Port,
    from: SocketAddr,
    session: &'a Arc<Session>,
}

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.port.table.lock().remove(self.from, self.session);
    }
}
