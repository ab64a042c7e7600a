//! A long link between two networks of their own: delay, loss and a rate, from user space (Linux,
//! root). The kernel's own emulator is a module that many machines lack.

mod wire;

use std::{
    io,
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::time::Instant;
use tun_rs::{DeviceBuilder, SyncDevice};

pub use self::wire::Shape;
use self::wire::Wire;
use crate::{Error, Namespace, Result, tool};

/// The packets of Ethernet.
const MTU: u16 = 1500;

/// How often the carrier looks whether it is to stop, and how many packets it takes from one side
/// before it looks at the other.
const IDLE: Duration = Duration::from_millis(100);
const BATCH: usize = 64;

/// Two networks and what carries packets between them; gone when dropped.
#[derive(Debug)]
pub struct Link {
    /// The one end, at [`NEAR`](Self::NEAR).
    pub near: Arc<Namespace>,
    /// The other, at [`FAR`](Self::FAR).
    pub far: Arc<Namespace>,
    stop: Arc<AtomicBool>,
    carrier: Option<JoinHandle<()>>,
}

impl Link {
    /// The address of the one end.
    pub const NEAR: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);
    /// The address of the other end.
    pub const FAR: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 2);

    /// A link of this shape; `None`, after telling the reader, where the system does not allow it
    /// or lacks the tools.
    ///
    /// # Errors
    /// When it is allowed and fails.
    #[expect(clippy::print_stdout, reason = "a skipped test says so")]
    pub async fn new(shape: Shape) -> Result<Option<Self>> {
        if tool("ip").is_none() {
            return Ok(None);
        }
        let (near, far) = match (Namespace::new("near").await, Namespace::new("far").await) {
            (Ok(near), Ok(far)) => (near, far),
            (Err(error), _) | (_, Err(error)) => {
                println!("skipped: no networks of our own here: {error}");
                return Ok(None);
            }
        };
        let devices = [device(&near, Self::NEAR)?, device(&far, Self::FAR)?];
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let carrier = thread::Builder::new().name("link".to_owned());
        let carrier = carrier.spawn(move || carry(&devices, shape, &stopped));
        Ok(Some(Self {
            near: Arc::new(near),
            far: Arc::new(far),
            stop,
            carrier: Some(carrier.map_err(Error::io("start the carrier of a link"))?),
        }))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(carrier) = self.carrier.take() {
            drop(carrier.join()); // at most IDLE away
        }
    }
}

/// The network device through which the packets of `network` come to us.
fn device(network: &Namespace, address: Ipv4Addr) -> Result<SyncDevice> {
    network.inside(|| {
        let builder = DeviceBuilder::new().name("link0").mtu(MTU);
        let device = builder.ipv4(address, 24, None).enable(true).build_sync()?;
        device.set_nonblocking(true)?;
        Ok(device)
    })
}

/// Moves packets both ways until it is told to stop.
fn carry(devices: &[SyncDevice; 2], shape: Shape, stop: &AtomicBool) {
    let mut wires = [Wire::new(shape, 1), Wire::new(shape, 2)];
    let mut packet = vec![0; usize::from(MTU)];
    while !stop.load(Ordering::Relaxed) {
        let now = Instant::now();
        for (wire, out) in wires.iter_mut().zip(devices.iter().rev()) {
            while let Some(packet) = wire.due(now) {
                // A full device queue loses a packet, as a router does.
                drop(out.send(&packet));
            }
        }
        let next = wires.iter().filter_map(Wire::next).min();
        let wait = next.map_or(IDLE, |at| at.saturating_duration_since(now).min(IDLE));
        if readable(devices, wait).is_err() {
            return; // a device is gone, and with it the link
        }
        for (wire, device) in wires.iter_mut().zip(devices) {
            for _ in 0..BATCH {
                let Ok(len) = device.recv(&mut packet) else {
                    break; // nothing more for now
                };
                wire.offer(Instant::now(), packet.get(..len).unwrap_or_default());
            }
        }
    }
}

/// Waits until a device has a packet, for no longer than `wait`.
fn readable(devices: &[SyncDevice; 2], wait: Duration) -> io::Result<()> {
    let mut ready = devices.each_ref().map(|d| PollFd::new(d, PollFlags::IN));
    let wait = Timespec::try_from(wait).map_err(io::Error::other)?;
    match poll(&mut ready, Some(&wait)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    #[tokio::test]
    async fn a_link_delays_what_it_carries() {
        let shape = Shape {
            delay: Duration::from_millis(20),
            ..Shape::default()
        };
        let Some(link) = Link::new(shape).await.unwrap() else {
            return;
        };
        let listen = || TcpListener::bind((Link::FAR, 0));
        let listener = link.far.inside(listen).unwrap();
        let to = listener.local_addr().unwrap();
        let answering = thread::spawn(move || listener.accept()?.0.write_all(b"x"));
        let begun = Instant::now();
        let ask = || TcpStream::connect(to)?.read_exact(&mut [0; 1]);
        link.near.inside(ask).unwrap();
        answering.join().unwrap().unwrap();
        // SYN, its answer, and the byte.
        assert!(begun.elapsed() >= 3 * shape.delay);
    }
}
