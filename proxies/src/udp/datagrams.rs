//! Users' datagrams as datagrams beside a work connection, where both ends and its transport have
//! them: what is lost is lost, and nothing waits for it.

use std::{future::poll_fn, sync::Arc, time::Duration};

use bytes::Bytes;
use culvert_io::Datagrams;
use culvert_wire::{
    datagram::{Piece, Reassembly, Splitter},
    msg::UdpPacket,
};
use tokio::time::{Instant, timeout_at};

/// What fits into every datagram of QUIC, with everything that stands in front of it: its packets
/// have at least 1200 bytes (RFC 9000, section 14). Most users' datagrams do, and are spared the
/// question how wide the path is.
const ALWAYS_FITS: usize = 1100;

/// Sends packets as datagrams.
#[derive(Debug)]
pub(super) struct Departures {
    datagrams: Arc<dyn Datagrams>,
    splitter: Splitter,
}

impl Departures {
    pub(super) fn new(datagrams: Arc<dyn Datagrams>) -> Self {
        Self {
            datagrams,
            splitter: Splitter::default(),
        }
    }

    /// Sends a packet, in parts if need be. Answers whether it could be: it is too long otherwise,
    /// or its user has no address that datagrams have room for.
    pub(super) fn send(&mut self, packet: &UdpPacket) -> bool {
        let datagrams = &self.datagrams;
        let room = if packet.c.len() + Splitter::HEAD <= ALWAYS_FITS {
            ALWAYS_FITS
        } else {
            datagrams.max_size()
        };
        let send = |head: &[u8], body: &[u8]| datagrams.send(head, body);
        self.splitter.split(packet, room, send)
    }
}

/// Receives packets that come as datagrams.
#[derive(Debug)]
pub(super) struct Arrivals {
    datagrams: Arc<dyn Datagrams>,
    reassembly: Reassembly,
    /// The beginning of the time that the parts of packets are held for.
    begun: Instant,
}

impl Arrivals {
    pub(super) fn new(datagrams: Arc<dyn Datagrams>) -> Self {
        Self {
            datagrams,
            reassembly: Reassembly::default(),
            begun: Instant::now(),
        }
    }

    /// The next packet. There is none once the link is over, which the stream beside it tells.
    ///
    /// *Cancel safety*: safe.
    pub(super) async fn next(&mut self) -> UdpPacket {
        loop {
            let Some(datagram) = self.datagram().await else {
                return std::future::pending().await;
            };
            match Piece::read(datagram) {
                Ok(piece) => {
                    if let Some(packet) = self.reassembly.take(piece, self.now()) {
                        return packet;
                    }
                }
                Err(error) => tracing::debug!("dropped: {error}"),
            }
        }
    }

    /// The next datagram; drops parts meanwhile that have waited for too long.
    async fn datagram(&mut self) -> Option<Bytes> {
        loop {
            let next = poll_fn(|cx| self.datagrams.poll_recv(cx));
            let Some(deadline) = self.reassembly.deadline() else {
                return next.await;
            };
            match timeout_at(self.begun + deadline, next).await {
                Ok(datagram) => return datagram,
                Err(_elapsed) => self.reassembly.expire(self.now()),
            }
        }
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }
}
