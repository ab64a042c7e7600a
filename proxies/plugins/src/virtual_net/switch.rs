//! Brings packets of the device to the stream that leads to their destination, and packets of
//! streams to the device.

use std::{
    collections::HashMap,
    future::poll_fn,
    io,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use culvert_conf::Network;
use culvert_io::{Scope, Stream};
use parking_lot::Mutex;
use tokio::{
    io::{AsyncWrite, AsyncWriteExt, ReadHalf, split},
    sync::mpsc::{Receiver, Sender, channel},
};

use super::{
    device::{self, Device, MTU},
    packet,
};

/// Packets that wait for a stream; more are lost, as in any network. The default of a Linux device
/// is 500.
const QUEUE: usize = 512;

/// The most addresses that one stream may be the way to.
const MAX_LEARNED: usize = 256;

/// The virtual network of a program. Cheap to clone.
#[derive(Clone, Debug)]
pub struct VirtualNet(Arc<Switch>);

#[derive(Debug)]
struct Switch {
    device: Box<dyn Device>,
    own: Network,
    ways: Mutex<HashMap<IpAddr, Way>>,
    /// Streams so far.
    streams: AtomicU64,
}

/// The way to an address.
#[derive(Debug)]
struct Way {
    /// The number of the stream.
    stream: u64,
    packets: Sender<Bytes>,
}

impl VirtualNet {
    /// Makes a device with `own` as its address and serves it in `scope`.
    ///
    /// # Errors
    /// The system has no such devices, or does not let us make one.
    pub fn open(own: Network, scope: &Scope) -> io::Result<Self> {
        let (device, name) = device::open(own)?;
        tracing::info!("virtual net device [{name}] has the address {own}");
        Ok(Self::on(device, own, scope))
    }

    pub(super) fn on(device: Box<dyn Device>, own: Network, scope: &Scope) -> Self {
        let net = Self(Arc::new(Switch {
            device,
            own,
            ways: Mutex::default(),
            streams: AtomicU64::new(0),
        }));
        let switch = Arc::clone(&net.0);
        scope.spawn(async move {
            if let Err(err) = switch.distribute().await {
                tracing::error!("virtual net device error: {err}");
            }
        });
        net
    }

    /// Our own address and network.
    #[must_use]
    pub fn own(&self) -> Network {
        self.0.own
    }

    /// Carries packets between the device and `stream` until that ends. It becomes the way to
    /// every address that packets on it come from.
    ///
    /// *Cancel safety*: the stream is closed.
    ///
    /// # Errors
    /// The stream failed or carried something else than packets.
    pub async fn learn(&self, stream: Stream) -> io::Result<()> {
        self.carry(stream, None).await.map(drop)
    }

    /// The same for a stream that is the way to `destination` only; answers how many packets came
    /// on it.
    ///
    /// *Cancel safety*: the stream is closed.
    ///
    /// # Errors
    /// As there.
    pub async fn route(&self, destination: IpAddr, stream: Stream) -> io::Result<u64> {
        self.carry(stream, Some(destination)).await
    }

    async fn carry(&self, stream: Stream, to: Option<IpAddr>) -> io::Result<u64> {
        let (packets, queue) = channel(QUEUE);
        let mut link = Link {
            switch: Arc::clone(&self.0),
            number: self.0.streams.fetch_add(1, Ordering::Relaxed),
            packets,
            known: Vec::new(),
            taken: 0,
        };
        let learns = to.is_none();
        if let Some(destination) = to {
            link.leads_to(destination);
        }
        let (from, into) = split(stream);
        tokio::select! {
            ended = link.take(from, learns) => ended?,
            ended = give(queue, into) => ended?,
        }
        Ok(link.taken)
    }
}

impl Switch {
    /// Gives each packet of the device to the stream that leads to its destination.
    async fn distribute(&self) -> io::Result<()> {
        let mut packet = vec![0; usize::from(MTU)];
        loop {
            let len = poll_fn(|cx| self.device.poll_recv(cx, &mut packet)).await?;
            let packet = packet.get(..len).unwrap_or_default();
            let Some((_, to)) = packet::addresses(packet) else {
                continue;
            };
            if let Some(way) = self.ways.lock().get(&to)
                && way.packets.try_send(packet::framed(packet)).is_err()
            {
                tracing::debug!(target: culvert_io::TRACE_LOG, "virtual net packet to [{to}] lost");
            }
        }
    }
}

/// A stream in the network. It is the way to nobody any more when it is dropped.
struct Link {
    switch: Arc<Switch>,
    number: u64,
    packets: Sender<Bytes>,
    /// The addresses that it was made the way to.
    known: Vec<IpAddr>,
    /// Packets that came on it.
    taken: u64,
}

impl Link {
    /// Gives the device every packet of the stream.
    async fn take(&mut self, mut from: ReadHalf<Stream>, learns: bool) -> io::Result<()> {
        let mut packet = Vec::new();
        while packet::read(&mut from, &mut packet).await? {
            let Some((source, _)) = packet::addresses(&packet) else {
                continue;
            };
            self.taken += 1;
            if learns {
                self.leads_to(source);
            }
            let device = &self.switch.device;
            if let Err(err) = poll_fn(|cx| device.poll_send(cx, &packet)).await {
                tracing::debug!("virtual net packet of [{source}] not taken: {err}");
            }
        }
        Ok(())
    }

    /// Makes the stream the way to an address; the last one to say so is believed, so that a
    /// visitor who came back is reached at once.
    fn leads_to(&mut self, address: IpAddr) {
        if address == self.switch.own.address() || address.is_multicast() {
            return;
        }
        let mut ways = self.switch.ways.lock();
        let way = ways.get(&address);
        if way.is_some_and(|way| way.stream == self.number) {
            return;
        }
        if !self.known.contains(&address) {
            if self.known.len() >= MAX_LEARNED {
                return;
            }
            self.known.push(address);
        }
        tracing::debug!("virtual net route to [{address}]");
        let way = Way {
            stream: self.number,
            packets: self.packets.clone(),
        };
        ways.insert(address, way);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let mut ways = self.switch.ways.lock();
        for address in &self.known {
            if ways
                .get(address)
                .is_some_and(|way| way.stream == self.number)
            {
                ways.remove(address);
            }
        }
    }
}

/// Writes packets into the stream.
async fn give(mut queue: Receiver<Bytes>, mut into: impl AsyncWrite + Unpin) -> io::Result<()> {
    while let Some(packet) = queue.recv().await {
        into.write_all(&packet).await?;
        while let Ok(next) = queue.try_recv() {
            into.write_all(&next).await?;
        }
        into.flush().await?;
    }
    Ok(())
}
