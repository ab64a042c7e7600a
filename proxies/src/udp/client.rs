//! The client's half: datagrams from the work connection go to the local service, and back.

use std::{io, net::SocketAddr, time::Duration};

use culvert_conf::ProxyProtocol;
use culvert_io::Scope;
use culvert_proxy::{BoxFuture, ClientProxy, ProxyError, Work};
use parking_lot::Mutex;
use tokio::{net::lookup_host, sync::mpsc, time::timeout};
use tracing::Instrument;

use super::{
    packets::{LARGEST, QUEUE, next_packet, send_all, split},
    sockets::Sockets,
};
use crate::addr::join_host_port;

/// How often the server hears from us when there are no datagrams (protocol 3.7).
const PING_EVERY: Duration = Duration::from_secs(30);

/// How long the name of the local service may take to resolve; as long as a TCP service may take
/// to accept.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(10);

/// A UDP service of the client's network.
#[derive(Debug)]
pub struct LocalUdp {
    host: String,
    port: u16,
    packet_size: usize,
    proxy_protocol: Option<ProxyProtocol>,
    /// Whether a new work connection ends the one before.
    single: bool,
    /// What the work connection in use lives in.
    current: Mutex<Option<Scope>>,
}

impl LocalUdp {
    /// The service at `host`, a name or an address, and `port`. Its datagrams are cut at
    /// `packet_size` bytes. With `proxy_protocol` the first datagram of each user tells it who
    /// that is.
    #[must_use]
    pub fn new(
        host: String,
        port: u16,
        packet_size: usize,
        proxy_protocol: Option<ProxyProtocol>,
    ) -> Self {
        let packet_size = packet_size.min(LARGEST);
        Self {
            host,
            port,
            packet_size,
            proxy_protocol,
            single: true,
            current: Mutex::new(None),
        }
    }

    /// The same service with any number of work connections at a time: one for each visitor.
    #[must_use]
    pub const fn for_visitors(mut self) -> Self {
        self.single = false;
        self
    }

    async fn resolve(&self) -> Result<SocketAddr, ProxyError> {
        let found = timeout(
            RESOLVE_TIMEOUT,
            lookup_host((self.host.as_str(), self.port)),
        )
        .await;
        let found = found.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let none = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        found
            .and_then(|mut addrs| addrs.next().ok_or_else(none))
            .map_err(|source| {
                let target = join_host_port(&self.host, self.port);
                ProxyError::Local { target, source }
            })
    }

    /// Carries datagrams until the connection ends or a newer one takes its place.
    async fn carry(&self, work: Work, scope: &Scope) -> Result<(), ProxyError> {
        let target = self
            .resolve()
            .await
            .inspect_err(|error| tracing::error!("{error}"))?;
        let (to_server, mut queue) = mpsc::channel(QUEUE);
        let meter = work.stream.meter().cloned();
        let (mut reader, writer) = split(work.stream, work.codec);
        let sockets = Sockets::new(
            target,
            self.packet_size,
            self.proxy_protocol,
            to_server,
            scope.clone(),
        )
        .counted(meter);
        let to_service = async {
            // A server without datagrams to send is silent for as long as it likes.
            while let Some(packet) = next_packet(&mut reader, None).await? {
                sockets.deliver(packet).await;
            }
            Ok(())
        };
        let done: Result<(), ProxyError> = tokio::select! {
            () = scope.stopped() => Ok(()),
            done = to_service => done,
            done = send_all(writer, &mut queue, Some(PING_EVERY)) => done,
        };
        // The server will ask for another one: nothing that an operator has to act on.
        if let Err(error) = done {
            tracing::info!("udp work connection lost: {error}");
        }
        Ok(())
    }
}

impl ClientProxy for LocalUdp {
    /// Serves all users of the proxy. The server of a udp proxy keeps one work connection at a
    /// time, so a new one ends the one before. Fails only when the service has no address.
    fn serve<'a>(&'a self, work: Work, scope: &'a Scope) -> BoxFuture<'a, Result<(), ProxyError>> {
        Box::pin(
            async move {
                let inner = StopOnDrop(scope.child(scope.span().clone()));
                if self.single
                    && let Some(before) = self.current.lock().replace(inner.0.clone())
                {
                    before.stop();
                }
                self.carry(work, &inner.0).await
            }
            .instrument(scope.span().clone()),
        )
    }
}

/// Ends the local sockets of a work connection together with it.
struct StopOnDrop(Scope);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}
