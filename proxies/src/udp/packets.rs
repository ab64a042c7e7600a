//! Datagrams on a work connection, the same at both ends: their form, the queue, what ends it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use culvert_io::{FastPath, FastPaths, Stream};
use culvert_proxy::ProxyError;
use culvert_transport::{Framed, FramedReader, FramedWriter, TransportError, report};
use culvert_wire::{
    Codec, Message, limits,
    msg::{Ping, UdpPacket},
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};

use super::datagrams::{Arrivals, Departures};

/// Datagrams that wait for the work connection; when there are more, new ones are dropped
/// (protocol 3.7). At the usual 1500 bytes this is 1.5 MiB.
pub(crate) const QUEUE: usize = 1024;

/// Datagrams that are put into one write: a burst costs one system call, and base64 keeps a batch
/// of usual ones under 150 KiB.
const BATCH: usize = 64;

/// A peer that takes nothing for so long is gone. As long as the server waits for a message.
const STALLED: Duration = Duration::from_secs(60);

/// A larger `udpPacketSize` means this.
pub(crate) const LARGEST: usize = limits::UDP_PAYLOAD;

/// Packets that this process has sent, as messages and as datagrams.
static SENT: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

/// How many users' datagrams this process has sent on work and visitor connections, by the form in
/// which they travelled.
#[must_use]
pub fn sent() -> [(&'static str, u64); 2] {
    let [messages, datagrams] = &SENT;
    [("message", messages), ("datagram", datagrams)]
        .map(|(form, n)| (form, n.load(Ordering::Relaxed)))
}

/// The two halves of a work connection that carries datagrams: as messages that are written by
/// `codec` and, if both ends have agreed on it, as datagrams beside the stream.
pub(crate) fn split(stream: Stream, codec: Codec) -> (PacketReader, PacketWriter) {
    let (arrivals, departures) = match stream.datagrams() {
        Some(datagrams) => {
            let transport = stream.peer().transport;
            tracing::info!("udp packets travel as {transport} datagrams");
            let arrivals = Arrivals::new(datagrams.clone());
            (Some(arrivals), Some(Departures::new(datagrams)))
        }
        None => (None, None),
    };
    // Nothing but messages follows, so the reader may read ahead.
    let (reader, writer) = Framed::new(stream, codec).buffered().split();
    (
        PacketReader { reader, arrivals },
        PacketWriter { writer, departures },
    )
}

/// What comes: messages, and datagrams as if they had been messages.
#[derive(Debug)]
pub(crate) struct PacketReader {
    reader: FramedReader,
    arrivals: Option<Arrivals>,
}

impl PacketReader {
    /// The next message; `None` when the peer ended the connection.
    ///
    /// *Cancel safety*: safe.
    pub(crate) async fn next(&mut self) -> Result<Option<Message>, ProxyError> {
        let message = match &mut self.arrivals {
            None => self.reader.next().await,
            Some(arrivals) => tokio::select! {
                message = self.reader.next() => message,
                packet = arrivals.next() => return Ok(Some(packet.into())),
            },
        };
        message.map_err(failed)
    }
}

/// What goes: packets as datagrams if they can, all else as messages.
#[derive(Debug)]
pub(crate) struct PacketWriter {
    writer: FramedWriter,
    departures: Option<Departures>,
}

impl PacketWriter {
    /// Sends a message, or queues it until [`flush`].
    fn feed(&mut self, message: &Message) -> Result<(), TransportError> {
        let [messages, datagrams] = &SENT;
        if let Message::UdpPacket(packet) = message {
            if let Some(departures) = &mut self.departures
                && departures.send(packet)
            {
                datagrams.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            messages.fetch_add(1, Ordering::Relaxed);
        }
        self.writer.feed(message)
    }
}

/// Sends what comes out of `queue`, and a ping whenever `ping_every` has passed, until the
/// connection fails or the queue is closed.
///
/// *Cancel safety*: datagrams of the current batch are lost.
pub(crate) async fn send_all(
    mut writer: PacketWriter,
    queue: &mut mpsc::Receiver<UdpPacket>,
    ping_every: Option<Duration>,
) -> Result<(), ProxyError> {
    let together = FastPaths::default().takes(FastPath::Batch);
    let most = if together { BATCH } else { 1 };
    let mut batch = Vec::with_capacity(most);
    let mut next_ping = ping_every.map(|every| Instant::now() + every);
    loop {
        tokio::select! {
            n = queue.recv_many(&mut batch, most) => if n == 0 {
                return Ok(());
            },
            () = until(next_ping) => {
                next_ping = ping_every.map(|every| Instant::now() + every);
                writer.feed(&Ping::default().into()).map_err(failed)?;
            }
        }
        for packet in batch.drain(..) {
            // Only a datagram that is too long for a message comes here; the stream is fine.
            if let Err(error) = writer.feed(&packet.into()) {
                tracing::debug!("datagram dropped: {error}");
            }
        }
        flush(&mut writer).await?;
    }
}

/// Sends what is queued, however long it takes, as long as it moves: a limited proxy is slow.
async fn flush(writer: &mut PacketWriter) -> Result<(), ProxyError> {
    let writer = &mut writer.writer;
    loop {
        let before = writer.queued();
        if before == 0 {
            return Ok(());
        }
        match timeout(STALLED, writer.flush()).await {
            Ok(done) => return done.map_err(failed),
            Err(_) if writer.queued() < before => {}
            Err(_) => return Err(stalled()),
        }
    }
}

/// Sends one message; one that is too long is dropped, as a datagram of that length would be.
///
/// *Cancel safety*: the message may be cut short; the connection cannot be used any more.
pub(crate) async fn send_one(
    writer: &mut PacketWriter,
    message: &Message,
) -> Result<(), ProxyError> {
    if let Err(error) = writer.feed(message) {
        tracing::debug!("datagram dropped: {error}");
        return Ok(());
    }
    flush(writer).await
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// The next datagram; `None` when the peer ended the connection. Pings are passed over.
///
/// *Cancel safety*: safe.
pub(crate) async fn next_packet(
    reader: &mut PacketReader,
    silence: Option<Duration>,
) -> Result<Option<UdpPacket>, ProxyError> {
    loop {
        let message = match silence {
            None => reader.next().await,
            Some(limit) => timeout(limit, reader.next())
                .await
                .map_err(|_| silent(limit))?,
        };
        match message? {
            None => return Ok(None),
            Some(Message::UdpPacket(packet)) => return Ok(Some(packet)),
            Some(Message::Ping(_)) => {}
            Some(_) => {
                return Err(ProxyError::Peer(
                    "neither a udp packet nor a ping came".to_owned(),
                ));
            }
        }
    }
}

fn silent(limit: Duration) -> ProxyError {
    ProxyError::Peer(format!("no message for {} s", limit.as_secs()))
}

fn stalled() -> ProxyError {
    ProxyError::Peer(format!("no progress for {} s", STALLED.as_secs()))
}

fn failed(error: TransportError) -> ProxyError {
    match error {
        TransportError::Io(source) => ProxyError::io("work connection", source),
        other => ProxyError::Peer(report(&other)),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::{Ipv4Addr, SocketAddr},
        num::NonZeroU64,
        sync::Arc,
    };

    use culvert_io::{Limit, Peer};
    use tokio::io::{AsyncReadExt, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_batch_may_take_minutes_while_it_moves_but_not_when_it_stands() {
        let (near, mut far) = duplex(8 * 1024);
        let user = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let limit = Limit::new(NonZeroU64::new(50).unwrap());
        let stream = Stream::new(near, Peer::new(user, user, "tcp")).limited(Arc::new(limit));
        let (_reader, writer) = split(stream, Codec::V1);
        let (queue, mut queued) = mpsc::channel(BATCH);
        for _ in 0..BATCH {
            let packet = UdpPacket::new(vec![0; 500], user);
            queue.try_send(packet).unwrap();
        }
        let started = Instant::now();
        let reads = async {
            far.read_exact(&mut vec![0; 16 * 1024]).await.unwrap();
            started.elapsed()
        };
        let (done, read) = tokio::join!(send_all(writer, &mut queued, None), reads);
        assert!(read > 4 * STALLED, "{read:?}");
        // From then on nobody reads.
        assert_eq!(done.unwrap_err().to_string(), "no progress for 60 s");
    }
}
