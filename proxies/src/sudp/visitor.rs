//! The visitor: a UDP port of the client's that leads to the service.

use std::{io, sync::Arc};

use culvert_conf::VisitorConfig;
use culvert_io::Scope;
use culvert_proxy::{BoxFuture, Visitor, VisitorCx};
use culvert_wire::msg::UdpPacket;
use tokio::{
    net::UdpSocket,
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tracing::Instrument;

use crate::{
    addr::join_host_port,
    udp::{
        RETRY, carry,
        packets::{LARGEST, QUEUE},
        receive,
    },
    visiting::{SecretService, listen},
};

/// A visitor of `type = "sudp"`.
#[derive(Debug)]
pub struct SudpVisitor {
    service: SecretService,
    host: String,
    port: Option<u16>,
    name: String,
    packet_size: usize,
}

impl SudpVisitor {
    /// The visitor that was configured so; its datagrams are cut at `packet_size` bytes.
    #[must_use]
    pub fn new(config: &VisitorConfig, packet_size: usize) -> Self {
        Self {
            service: SecretService::new(config).of_datagrams(),
            host: config.bind_addr.clone(),
            port: config.bind_port.map(u16::from),
            name: config.name.clone(),
            packet_size: packet_size.min(LARGEST),
        }
    }

    async fn bind(&self, port: u16) -> io::Result<UdpSocket> {
        let bound = UdpSocket::bind((self.host.as_str(), port)).await;
        bound.map_err(|error| {
            let at = join_host_port(&self.host, port);
            io::Error::new(error.kind(), format!("listen udp {at}: {error}"))
        })
    }

    async fn serve(&self, cx: Arc<dyn VisitorCx>) {
        let Some(port) = self.port else {
            return tracing::warn!("start error: a sudp visitor needs a port to listen on");
        };
        let socket = listen(|| self.bind(port)).await;
        let (to_service, queue) = mpsc::channel(QUEUE);
        let what = format!("visitor port [{}]", self.name);
        tokio::select! {
            () = receive(&socket, (to_service, self.packet_size), what, None) => {}
            () = self.connect(&*cx, &socket, queue) => {}
        }
    }

    /// Keeps a connection while there are datagrams or the service is alive: it is opened by a
    /// datagram, and closed when the service is silent for a minute (protocol 3.7).
    async fn connect(
        &self,
        cx: &dyn VisitorCx,
        socket: &UdpSocket,
        mut queue: mpsc::Receiver<UdpPacket>,
    ) {
        while let Some(first) = queue.recv().await {
            let asked = Instant::now();
            match self.service.dial(cx).await {
                Ok(dialled) => match carry(dialled, Some(first), socket, &mut queue, None).await {
                    Ok(()) => tracing::debug!("visitor connection ended by the server"),
                    Err(error) => tracing::debug!("visitor connection closed: {error}"),
                },
                Err(error) => tracing::warn!("no way to the service, datagram dropped: {error}"),
            }
            // Neither a flood of datagrams nor a server that closes at once makes us ask faster.
            sleep_until(asked + RETRY).await;
        }
    }
}

impl Visitor for SudpVisitor {
    fn run<'a>(&'a self, cx: Arc<dyn VisitorCx>, scope: &'a Scope) -> BoxFuture<'a, ()> {
        Box::pin(self.serve(cx).instrument(scope.span().clone()))
    }
}
