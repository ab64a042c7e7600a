//! The server's half: a port is bound, and one work connection is kept for it.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use culvert_io::{Meter, Scope, Stream};
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

use super::{
    count,
    packets::{LARGEST, QUEUE, next_packet, send_all, send_one, split},
};
use crate::ports::{Bound, Ports};

/// The client gets this long to learn that its proxy is open before it is asked for a work
/// connection (protocol 3.7).
const FIRST_ASK: Duration = Duration::from_millis(500);

/// The time between two asks (protocol 3.7); also when the client closes each one at once.
pub(crate) const RETRY: Duration = Duration::from_secs(1);

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
        let (socket, packet_size) = (Arc::clone(&bound), self.packet_size);
        let (what, meter) = (format!("udp proxy port [{port}]"), cx.meter().cloned());
        scope.spawn(async move {
            receive(&socket.socket, (to_client, packet_size), what, meter).await;
        });
        scope.spawn(keep_work_conn(cx, bound, queue));
        Ok(Opened {
            remote_addr: format!(":{port}"),
            leases: vec![seat],
        })
    }
}

/// Queues what users send to a socket that the log calls `what`, cut at `packet_size` bytes; what
/// does not fit is dropped.
///
/// *Cancel safety*: safe.
pub(crate) async fn receive(
    socket: &UdpSocket,
    (queue, packet_size): (mpsc::Sender<UdpPacket>, usize),
    what: String,
    meter: Option<Arc<Meter>>,
) {
    let mut backoff = AcceptBackoff::new(what);
    let mut buffer = vec![0; packet_size];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((n, user)) => {
                backoff.succeeded();
                let datagram = Bytes::copy_from_slice(buffer.get(..n).unwrap_or_default());
                if queue.try_send(UdpPacket::new(datagram, user)).is_err() {
                    tracing::debug!(target: culvert_io::TRACE_LOG, "queue is full, datagram dropped");
                } else if let Some(meter) = &meter {
                    meter.add_in(count(n));
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
                let work = (stream, cx.codec());
                match carry(work, None, &bound.socket, &mut queue, cx.meter()).await {
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

/// Carries datagrams both ways between a connection and the users of `socket`, until the
/// connection ends or is silent; `first` is ahead of the `queue`. Never sends a ping: clients would
/// take it for an empty datagram (protocol 3.7).
///
/// *Cancel safety*: datagrams of the current batch are lost.
pub(crate) async fn carry(
    (stream, codec): (Stream, Codec),
    first: Option<UdpPacket>,
    socket: &UdpSocket,
    queue: &mut mpsc::Receiver<UdpPacket>,
    meter: Option<&Arc<Meter>>,
) -> Result<(), ProxyError> {
    let (mut reader, mut writer) = split(stream, codec);
    if let Some(first) = first {
        send_one(&mut writer, &first.into()).await?;
    }
    let both = socket.local_addr().is_ok_and(|local| local.is_ipv6());
    let to_users = async {
        while let Some(packet) = next_packet(&mut reader, Some(SILENCE)).await? {
            let Ok(user) = packet.user() else {
                tracing::debug!("datagram for nobody dropped");
                continue;
            };
            match (
                socket.send_to(&packet.c, reachable(user, both)).await,
                meter,
            ) {
                (Ok(n), Some(meter)) => meter.add_out(count(n)),
                (Ok(_), None) => {}
                (Err(error), _) => tracing::debug!("datagram for [{user}] dropped: {error}"),
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
