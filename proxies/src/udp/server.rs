//! The server's half: a port is bound, and one work connection is kept for it.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use culvert_io::{Scope, Stream};
use culvert_proxy::{Opened, ProxyError, ServerCx, ServerKind, UserAddrs};
use culvert_transport::AcceptBackoff;
use culvert_wire::{
    Codec,
    msg::{NewProxy, UdpPacket},
};
use tokio::{
    net::UdpSocket,
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

use super::packets::{LARGEST, QUEUE, next_packet, send_all, split};
use crate::ports::{Bound, Ports};

/// The client gets this long to learn that its proxy is open before it is asked for a work
/// connection (protocol 3.7).
const FIRST_ASK: Duration = Duration::from_millis(500);

/// The time between two asks (protocol 3.7); also when the client closes each one at once.
const RETRY: Duration = Duration::from_secs(1);

/// A client pings every 30 s; one that is silent for so long is gone (protocol 3.7).
const SILENCE: Duration = Duration::from_secs(60);

/// `type = "udp"` at the server.
#[derive(Clone, Debug)]
pub struct UdpKind {
    ports: Ports,
    packet_size: usize,
}

impl UdpKind {
    /// The kind that takes its ports from `ports` and cuts datagrams at `packet_size` bytes.
    #[must_use]
    pub fn new(ports: Ports, packet_size: usize) -> Self {
        Self {
            ports,
            packet_size: packet_size.min(LARGEST),
        }
    }
}

impl ServerKind for UdpKind {
    const NAME: &'static str = "udp";

    async fn open(
        &self,
        ask: &NewProxy,
        cx: Arc<dyn ServerCx>,
        scope: &Scope,
    ) -> Result<Opened, ProxyError> {
        let seat = cx.count_port()?;
        let bound = {
            // The socket belongs to the thread that serves it.
            let _lane = scope.lane().enter();
            self.ports
                .bind_udp(cx.name().as_str(), ask.remote_port)
                .map_err(|error| {
                    ProxyError::refused(format!("acquire port {} error: {error}", ask.remote_port))
                })?
        };
        let port = bound.port;
        scope
            .span()
            .in_scope(|| tracing::info!("udp proxy listen port [{port}]"));
        let bound = Arc::new(bound);
        let (to_client, queue) = mpsc::channel(QUEUE);
        scope.spawn(receive(
            Arc::clone(&bound),
            to_client,
            self.packet_size,
            port,
        ));
        scope.spawn(keep_work_conn(cx, bound, queue));
        Ok(Opened {
            remote_addr: format!(":{port}"),
            leases: vec![seat],
        })
    }
}

/// Queues what users send, until the proxy ends; what does not fit is dropped.
async fn receive(
    bound: Arc<Bound<UdpSocket>>,
    to_client: mpsc::Sender<UdpPacket>,
    packet_size: usize,
    port: u16,
) {
    let mut backoff = AcceptBackoff::new(format!("udp proxy port [{port}]"));
    let mut buffer = vec![0; packet_size];
    loop {
        match bound.socket.recv_from(&mut buffer).await {
            Ok((n, user)) => {
                backoff.succeeded();
                let datagram = Bytes::copy_from_slice(buffer.get(..n).unwrap_or_default());
                if to_client.try_send(UdpPacket::new(datagram, user)).is_err() {
                    tracing::trace!("queue is full, datagram dropped");
                }
            }
            Err(error) => {
                if let Some(wait) = backoff.failed(&error) {
                    sleep(wait).await;
                }
            }
        }
    }
}

/// Keeps exactly one work connection, until the proxy ends.
async fn keep_work_conn(
    cx: Arc<dyn ServerCx>,
    bound: Arc<Bound<UdpSocket>>,
    mut queue: mpsc::Receiver<UdpPacket>,
) {
    sleep(FIRST_ASK).await;
    loop {
        let asked = Instant::now();
        match cx.work_conn(UserAddrs::default()).await {
            Ok(stream) => {
                match carry(stream, cx.codec(), &bound.socket, &mut queue).await {
                    Ok(()) => tracing::debug!("udp work connection ended by the client"),
                    Err(error) => tracing::info!("udp work connection lost: {error}"),
                }
                sleep_until(asked + RETRY).await;
            }
            Err(error) => {
                tracing::debug!("no work connection for udp, will ask again: {error}");
                sleep(RETRY).await;
            }
        }
    }
}

/// Carries datagrams both ways until the connection ends. Never sends a ping: clients would take
/// it for an empty datagram (protocol 3.7).
async fn carry(
    stream: Stream,
    codec: Codec,
    socket: &UdpSocket,
    queue: &mut mpsc::Receiver<UdpPacket>,
) -> Result<(), ProxyError> {
    let (mut reader, writer) = split(stream, codec);
    let both = socket.local_addr().is_ok_and(|local| local.is_ipv6());
    let to_users = async {
        while let Some(packet) = next_packet(&mut reader, Some(SILENCE)).await? {
            let Ok(user) = packet.user() else {
                tracing::debug!("datagram for nobody dropped");
                continue;
            };
            if let Err(error) = socket.send_to(&packet.c, reachable(user, both)).await {
                tracing::debug!("datagram for [{user}] dropped: {error}");
            }
        }
        Ok(())
    };
    tokio::select! {
        done = to_users => done,
        done = send_all(writer, queue, None) => done,
    }
}

/// The address as a socket for both families wants it: IPv4 in IPv6 form.
fn reachable(user: SocketAddr, both: bool) -> SocketAddr {
    match user.ip() {
        IpAddr::V4(ip) if both => (ip.to_ipv6_mapped(), user.port()).into(),
        _ => user,
    }
}
