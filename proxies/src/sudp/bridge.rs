//! Between two sides that write messages in different versions, or of which one has datagrams: read
//! in one form, written in the other (protocol 3.7, trap M9).

use std::{sync::Arc, time::Duration};

use culvert_io::{Meter, Stream};
use culvert_proxy::ProxyError;
use culvert_wire::{Codec, Message};
use tokio::time::timeout;

use crate::udp::{
    count,
    packets::{PacketReader, PacketWriter, send_one, split},
};

/// A service pings every 30 s; a visitor closes when it hears nothing for so long (protocol 3.7).
const SILENCE: Duration = Duration::from_secs(60);

/// Carries datagrams both ways, and the service's pings to the visitor, until either side ends or
/// the service is silent. A visitor's pings stay here: a client would take one for a datagram. What
/// goes to the service counts as inward.
///
/// *Cancel safety*: both streams are closed; messages in flight are lost.
pub(crate) async fn bridge(
    visitor: (Stream, Codec),
    service: (Stream, Codec),
    meter: Option<&Arc<Meter>>,
) -> Result<(), ProxyError> {
    let (mut from_visitor, mut to_visitor) = split(visitor.0, visitor.1);
    let (mut from_service, mut to_service) = split(service.0, service.1);
    let inward = |n| {
        if let Some(meter) = meter {
            meter.add_in(n);
        }
    };
    let outward = |n| {
        if let Some(meter) = meter {
            meter.add_out(n);
        }
    };
    tokio::select! {
        done = carry(&mut from_visitor, &mut to_service, None, inward) => done,
        done = carry(&mut from_service, &mut to_visitor, Some(SILENCE), outward) => done,
    }
}

/// One direction. With `silence`, the longest time between two messages, pings go through too.
async fn carry(
    from: &mut PacketReader,
    to: &mut PacketWriter,
    silence: Option<Duration>,
    moved: impl Fn(u64),
) -> Result<(), ProxyError> {
    loop {
        let message = match silence {
            None => from.next().await,
            Some(limit) => timeout(limit, from.next()).await.map_err(|_elapsed| {
                ProxyError::Peer(format!("no message for {} s", limit.as_secs()))
            })?,
        };
        match message? {
            None => return Ok(()),
            Some(Message::UdpPacket(packet)) => {
                moved(count(packet.c.len()));
                send_one(to, &packet.into()).await?;
            }
            Some(message @ Message::Ping(_)) if silence.is_some() => send_one(to, &message).await?,
            Some(Message::Ping(_)) => {}
            Some(_) => {
                return Err(ProxyError::Peer(
                    "neither a udp packet nor a ping came".to_owned(),
                ));
            }
        }
    }
}
