use std::{
    io,
    net::{IpAddr, SocketAddr},
    task::{Context, Poll},
};

use culvert_io::{Peer, Scope, Stream};
use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::mpsc::{Receiver, Sender, channel},
};

use super::{VirtualNet, device::Device, packet};
use crate::tests::fixture::scope;

/// A device whose other end is the test's.
#[derive(Debug)]
struct Wire {
    system: Mutex<Receiver<Vec<u8>>>,
    us: Sender<Vec<u8>>,
}

impl Device for Wire {
    fn poll_recv(&self, cx: &mut Context<'_>, packet: &mut [u8]) -> Poll<io::Result<usize>> {
        self.system.lock().poll_recv(cx).map(|next| {
            let next = next.ok_or(io::ErrorKind::BrokenPipe)?;
            packet[..next.len()].copy_from_slice(&next);
            Ok(next.len())
        })
    }

    fn poll_send(&self, _cx: &mut Context<'_>, packet: &[u8]) -> Poll<io::Result<usize>> {
        let taken = self.us.try_send(packet.to_vec());
        Poll::Ready(taken.map(|()| packet.len()).map_err(io::Error::other))
    }
}

struct World {
    net: VirtualNet,
    /// Packets that the system sends into the network, and that it gets from there.
    out: Sender<Vec<u8>>,
    inward: Receiver<Vec<u8>>,
    scope: Scope,
}

impl World {
    fn new() -> Self {
        let (out, system) = channel(16);
        let (us, inward) = channel(16);
        let scope = scope();
        let system = Mutex::new(system);
        let own = "10.0.0.1/24".parse().unwrap();
        let net = VirtualNet::on(Box::new(Wire { system, us }), own, &scope);
        Self {
            net,
            out,
            inward,
            scope,
        }
    }

    /// The far end of a stream in the network.
    fn stream(&self, to: Option<&str>) -> DuplexStream {
        let (near, far) = duplex(4096);
        let at = SocketAddr::from(([127, 0, 0, 1], 1));
        let near = Stream::new(near, Peer::new(at, at, "memory"));
        let (net, to) = (self.net.clone(), to.map(|to| to.parse().unwrap()));
        self.scope.spawn(async move {
            let ended = match to {
                Some(to) => net.route(to, near).await.map(drop),
                None => net.learn(near).await,
            };
            drop(ended);
        });
        far
    }
}

fn ip(from: &str, to: &str, text: &str) -> Vec<u8> {
    let mut bytes = vec![0; 20];
    bytes[0] = 0x45;
    for (at, address) in [(12, from), (16, to)] {
        let IpAddr::V4(address) = address.parse().unwrap() else {
            panic!("{address}");
        };
        bytes[at..at + 4].copy_from_slice(&address.octets());
    }
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

async fn next(stream: &mut DuplexStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    assert!(packet::read(stream, &mut bytes).await.unwrap());
    bytes
}

#[tokio::test]
async fn a_visitor_reaches_one_address_and_hears_its_answers() {
    let mut world = World::new();
    let mut stream = world.stream(Some("10.0.0.2"));
    tokio::task::yield_now().await;
    let elsewhere = ip("10.0.0.1", "10.0.0.9", "lost");
    let ask = ip("10.0.0.1", "10.0.0.2", "ping");
    for packet in [elsewhere, b"no packet".to_vec(), ask.clone()] {
        world.out.send(packet).await.unwrap();
    }
    assert_eq!(next(&mut stream).await, ask);
    let answer = ip("10.0.0.2", "10.0.0.1", "pong");
    for packet in [b"no packet".to_vec(), answer.clone()] {
        stream.write_all(&packet::framed(&packet)).await.unwrap();
    }
    assert_eq!(world.inward.recv().await.unwrap(), answer);
}

#[tokio::test]
async fn answers_go_to_whom_was_heard_last() {
    let mut world = World::new();
    let mut first = world.stream(None);
    let mut second = world.stream(None);
    let hello = ip("10.0.0.7", "10.0.0.1", "hello");
    let answer = ip("10.0.0.1", "10.0.0.7", "answer");
    for stream in [&mut first, &mut second] {
        stream.write_all(&packet::framed(&hello)).await.unwrap();
        world.inward.recv().await.unwrap();
        world.out.send(answer.clone()).await.unwrap();
        assert_eq!(next(stream).await, answer);
    }
    // Whoever speaks for us, or for many, is no way to them.
    for from in ["10.0.0.1", "224.0.0.1"] {
        let packet = ip(from, "10.0.0.1", "me");
        first.write_all(&packet::framed(&packet)).await.unwrap();
        world.inward.recv().await.unwrap();
        world.out.send(ip("10.0.0.7", from, "lost")).await.unwrap();
    }
    world.out.send(answer.clone()).await.unwrap();
    assert_eq!(next(&mut second).await, answer);
    drop(second);
    world.out.send(answer.clone()).await.unwrap();
    first.write_all(&packet::framed(&hello)).await.unwrap();
    world.inward.recv().await.unwrap();
    world.out.send(answer.clone()).await.unwrap();
    assert_eq!(next(&mut first).await, answer, "and nothing before");
}

#[tokio::test]
async fn what_is_no_packet_ends_the_stream() {
    let world = World::new();
    let mut stream = world.stream(None);
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty());
}
