//! The client's local sockets, one for each user, by which answers find their user again.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use culvert_conf::ProxyProtocol;
use culvert_io::{Buffer, Meter, Scope};
use culvert_wire::msg::{UdpAddr, UdpPacket};
use parking_lot::Mutex;
use tokio::{
    net::UdpSocket,
    sync::{Notify, mpsc},
    time::{Instant, timeout, timeout_at},
};

use super::count;
use crate::proxy_protocol::{Carried, header};

/// A socket without a datagram either way for so long is closed (protocol 3.7).
pub(super) const IDLE: Duration = Duration::from_secs(30);

/// Sockets that one proxy may have open: a descriptor and a small task each. The one that was
/// unused for longest makes room, so that users beyond it, or a flood of made-up ones, cost the
/// others nothing but the oldest conversations.
const MOST: usize = 4096;

/// How long one datagram may wait for room in its socket; the others wait behind it.
const SEND_TIMEOUT: Duration = Duration::from_millis(100);

/// Datagrams that one socket may hand on before others get their turn.
const BURST: usize = 64;

/// A user as the server names it.
type User = (Option<IpAddr>, i64, String);

/// The open sockets of one work connection.
#[derive(Debug)]
pub(super) struct Sockets {
    target: SocketAddr,
    packet_size: usize,
    proxy_protocol: Option<ProxyProtocol>,
    to_server: mpsc::Sender<UdpPacket>,
    /// Where the datagrams of the service and its users are counted.
    meter: Option<Arc<Meter>>,
    scope: Scope,
    most: usize,
    open: Arc<Mutex<HashMap<User, Arc<Local>>>>,
}

#[derive(Debug)]
struct Local {
    socket: UdpSocket,
    used: Mutex<Instant>,
    evicted: Notify,
}

impl Local {
    fn touch(&self) {
        *self.used.lock() = Instant::now();
    }
}

impl Sockets {
    /// Sockets to the service at `target`; what they receive goes to `to_server`, cut at
    /// `packet_size` bytes. Their tasks live in `scope`.
    pub(super) fn new(
        target: SocketAddr,
        packet_size: usize,
        proxy_protocol: Option<ProxyProtocol>,
        to_server: mpsc::Sender<UdpPacket>,
        scope: Scope,
    ) -> Self {
        let open = Arc::default();
        Self {
            target,
            packet_size,
            proxy_protocol,
            to_server,
            meter: None,
            scope,
            most: MOST,
            open,
        }
    }

    /// The same sockets, which count into `meter`.
    pub(super) fn counted(mut self, meter: Option<Arc<Meter>>) -> Self {
        self.meter = meter;
        self
    }

    /// Sends a datagram to the service from its user's socket, which is opened if need be.
    ///
    /// *Cancel safety*: the datagram may be lost.
    pub(super) async fn deliver(&self, packet: UdpPacket) {
        let UdpPacket { c, r, .. } = packet;
        let Some(addr) = r else {
            return tracing::debug!("datagram from nobody dropped");
        };
        if let Some(meter) = &self.meter {
            meter.add_in(count(c.len()));
        }
        let user: User = (addr.ip, addr.port, addr.zone.clone());
        let known = self.open.lock().get(&user).map(|local| {
            // Under the lock, so that the idle check does not miss it.
            local.touch();
            Arc::clone(local)
        });
        match known {
            Some(local) => send(&local.socket, &c).await,
            None => match self.open_for(user, addr.clone()).await {
                Ok(local) => send(&local.socket, &self.first(&addr, c)).await,
                Err(error) => {
                    tracing::warn!("no local socket for user [{addr}], datagram dropped: {error}");
                    // Out of descriptors, most likely: let the next one have better luck.
                    evict(&mut self.open.lock());
                }
            },
        }
    }

    async fn open_for(&self, user: User, addr: UdpAddr) -> io::Result<Arc<Local>> {
        let any: IpAddr = match self.target {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind(SocketAddr::new(any, 0)).await?;
        socket.connect(self.target).await?;
        let used = Mutex::new(Instant::now());
        let local = Arc::new(Local {
            socket,
            used,
            evicted: Notify::new(),
        });
        {
            let mut open = self.open.lock();
            if open.len() >= self.most {
                evict(&mut open);
            }
            open.insert(user.clone(), Arc::clone(&local));
        }
        tracing::debug!("udp user [{addr}] is new");
        let answers = Answers {
            local: Arc::clone(&local),
            user: addr,
            to_server: self.to_server.clone(),
            meter: self.meter.clone(),
            packet_size: self.packet_size,
        };
        let open = Arc::clone(&self.open);
        self.scope.spawn(async move {
            answers.carry(&open, &user).await;
        });
        Ok(local)
    }

    /// The first datagram of a socket, with the header that names the user in front of it.
    fn first(&self, addr: &UdpAddr, datagram: Bytes) -> Bytes {
        let Some(version) = self.proxy_protocol else {
            return datagram;
        };
        let Ok(src) = SocketAddr::try_from(addr) else {
            return datagram;
        };
        let mut bytes = header(version, Carried::Datagrams, src, self.target);
        bytes.extend_from_slice(&datagram);
        bytes.into()
    }
}

/// Closes the socket that was unused for longest.
fn evict(open: &mut HashMap<User, Arc<Local>>) {
    // A pass over at most `MOST` entries, only for a new user when there are so many.
    let oldest = open.iter().min_by_key(|(_, local)| *local.used.lock());
    if let Some(user) = oldest.map(|(user, _)| user.clone())
        && let Some(local) = open.remove(&user)
    {
        local.evicted.notify_one();
    }
}

async fn send(socket: &UdpSocket, datagram: &[u8]) {
    // The error that an earlier datagram came back with is told at the next send, which is then
    // not done: try twice.
    for _ in 0..2 {
        let sent = match socket.try_send(datagram) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                match timeout(SEND_TIMEOUT, socket.send(datagram)).await {
                    Ok(sent) => sent,
                    Err(_) => return tracing::debug!("datagram dropped: the socket is full"),
                }
            }
            done => done,
        };
        match sent {
            Ok(_) => return,
            Err(error) => tracing::debug!("datagram to the local service failed: {error}"),
        }
    }
}

/// Brings the service's answers to one user's datagrams back.
struct Answers {
    local: Arc<Local>,
    user: UdpAddr,
    to_server: mpsc::Sender<UdpPacket>,
    meter: Option<Arc<Meter>>,
    packet_size: usize,
}

impl Answers {
    /// Until the socket is idle or has to make room.
    async fn carry(self, open: &Mutex<HashMap<User, Arc<Local>>>, user: &User) {
        let mut deadline = Instant::now() + IDLE;
        loop {
            let ready = tokio::select! {
                () = self.local.evicted.notified() => return,
                ready = timeout_at(deadline, self.local.socket.readable()) => ready,
            };
            match ready {
                Ok(Ok(())) => self.drain(),
                Ok(Err(error)) => {
                    tracing::warn!("local socket of udp user [{}] failed: {error}", self.user);
                    self.forget(&mut open.lock(), user);
                    return;
                }
                Err(_elapsed) => {
                    let mut open = open.lock();
                    deadline = *self.local.used.lock() + IDLE;
                    if deadline <= Instant::now() {
                        tracing::debug!("udp user [{}] is idle", self.user);
                        self.forget(&mut open, user);
                        return;
                    }
                }
            }
        }
    }

    /// Removes this socket, unless the user has a newer one.
    fn forget(&self, open: &mut HashMap<User, Arc<Local>>, user: &User) {
        if open
            .get(user)
            .is_some_and(|local| Arc::ptr_eq(local, &self.local))
        {
            open.remove(user);
        }
    }

    /// Queues what has arrived; what does not fit is dropped.
    fn drain(&self) {
        // Lent while there is something to read, so that an idle socket holds no buffer.
        let mut lent = if self.packet_size <= Buffer::SMALL {
            Buffer::small()
        } else {
            Buffer::large()
        };
        let room = lent
            .payload_mut()
            .get_mut(..self.packet_size)
            .unwrap_or_default();
        for _ in 0..BURST {
            match self.local.socket.try_recv(room) {
                Ok(n) => {
                    self.local.touch();
                    let c = Bytes::copy_from_slice(room.get(..n).unwrap_or_default());
                    let packet = UdpPacket {
                        c,
                        l: None,
                        r: Some(self.user.clone()),
                    };
                    if self.to_server.try_send(packet).is_err() {
                        tracing::debug!(target: culvert_io::TRACE_LOG, "queue is full, datagram dropped");
                    } else if let Some(meter) = &self.meter {
                        meter.add_out(count(n));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // The service is not there; it may come, and the error is used up.
                Err(error) => tracing::debug!("local service did not take a datagram: {error}"),
            }
        }
    }
}

#[cfg(test)]
mod tests;
