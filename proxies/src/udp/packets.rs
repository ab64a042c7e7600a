//! Datagrams on a work connection, the same at both ends: framing, the queue, what ends it.

use std::time::Duration;

use culvert_io::Stream;
use culvert_proxy::ProxyError;
use culvert_transport::{Framed, FramedReader, FramedWriter, TransportError, report};
use culvert_wire::{
    Codec, Message,
    msg::{Ping, UdpPacket},
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};

/// Datagrams that wait for the work connection; when there are more, new ones are dropped
/// (protocol 3.7). At the usual 1500 bytes this is 1.5 MiB.
pub(crate) const QUEUE: usize = 1024;

/// Datagrams that are put into one write: a burst costs one system call, and base64 keeps a batch
/// of usual ones under 150 KiB.
const BATCH: usize = 64;

/// A peer that takes nothing for so long is gone. As long as the server waits for a message.
const STALLED: Duration = Duration::from_secs(60);

/// The largest UDP payload there is (RFC 768 and 791); a larger `udpPacketSize` means this.
pub(crate) const LARGEST: usize = 65_507;

/// The two halves of a work connection that carries datagrams, written by `codec`.
pub(crate) fn split(stream: Stream, codec: Codec) -> (FramedReader, FramedWriter) {
    // Nothing but messages follows, so the reader may read ahead.
    Framed::new(stream, codec).buffered().split()
}

/// Sends what comes out of `queue`, and a ping whenever `ping_every` has passed, until the
/// connection fails or the queue is closed.
///
/// *Cancel safety*: datagrams of the current batch are lost.
pub(crate) async fn send_all(
    mut writer: FramedWriter,
    queue: &mut mpsc::Receiver<UdpPacket>,
    ping_every: Option<Duration>,
) -> Result<(), ProxyError> {
    let mut batch = Vec::with_capacity(BATCH);
    let mut next_ping = ping_every.map(|every| Instant::now() + every);
    loop {
        tokio::select! {
            n = queue.recv_many(&mut batch, BATCH) => if n == 0 {
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
async fn flush(writer: &mut FramedWriter) -> Result<(), ProxyError> {
    loop {
        let before = writer.queued();
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
    writer: &mut FramedWriter,
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
    reader: &mut FramedReader,
    silence: Option<Duration>,
) -> Result<Option<UdpPacket>, ProxyError> {
    loop {
        let message = match silence {
            None => reader.next().await,
            Some(limit) => timeout(limit, reader.next())
                .await
                .map_err(|_| silent(limit))?,
        };
        match message.map_err(failed)? {
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

pub(crate) fn failed(error: TransportError) -> ProxyError {
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
