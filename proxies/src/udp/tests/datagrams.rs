//! Datagrams that travel beside the work connection.

use culvert_io::{Datagrams, Stream};

use super::*;
use crate::{testing::datagrams::Path, udp::datagrams::Arrivals};

fn joined(path: &Arc<Path>, service: SocketAddr, flags: LayerFlags) -> Arc<Joined> {
    let joined = Joined::new(Some(local(service, 60_000)), flags);
    *joined.path.lock() = Some(Arc::clone(path));
    joined
}

/// The client's end of the newest work connection: messages, and what is beside them.
fn ends(joined: &Joined) -> (Framed, Arc<dyn Datagrams>) {
    let stream: Stream = joined.ends.lock().pop().unwrap();
    let datagrams = stream.datagrams().unwrap();
    (Framed::new(stream, Codec::V1), datagrams)
}

#[tokio::test]
async fn packets_of_every_length_travel_beside_the_stream() {
    let services = Scope::root(Handle::current());
    let echo = echo(&services).await;
    let path = Path::new(1200, 0);
    let joined = joined(&path, echo, LayerFlags::default());
    let (_opened, addr) = open(&kind(60_000), &joined).await;
    let user = user(addr).await;
    let mut dice = Dice(1);
    // The last ones are too long for messages.
    for (len, datagrams) in [(1, 2), (0, 2), (1079, 2), (1193, 2), (1194, 4), (9000, 16)] {
        let before = path.sent();
        let datagram = dice.bytes(len);
        assert_eq!(ask(&user, &datagram).await, datagram, "{len} bytes");
        assert_eq!(path.sent() - before, datagrams, "{len} bytes");
    }
    assert_eq!(joined.asked.load(Ordering::Relaxed), 1);
    joined.close().await;
    services.close(Duration::ZERO).await;
}

#[tokio::test]
async fn a_lost_part_costs_its_packet_alone() {
    let joined = Joined::new(None, LayerFlags::default());
    *joined.path.lock() = Some(Path::new(1200, 2));
    let (_opened, addr) = open(&kind(60_000), &joined).await;
    joined.ask.notified().await;
    let (_client, datagrams) = ends(&joined);
    let mut arrivals = Arrivals::new(datagrams);
    let user = user(addr).await;
    // Two parts each, of which the second is lost, and a packet that is.
    for packet in [&[1; 2000][..], &[2; 2000], b"comes", b"lost", b"comes, too"] {
        user.send(packet).await.unwrap();
    }
    assert_eq!(arrivals.next().await.c, &b"comes"[..]);
    assert_eq!(arrivals.next().await.c, &b"comes, too"[..]);
    joined.close().await;
}

#[tokio::test]
async fn layers_and_narrow_paths_leave_packets_to_messages() {
    let services = Scope::root(Handle::current());
    let echo = echo(&services).await;
    let [plain, layers @ ..] = all_flags();
    let cases = layers.map(|flags| (1200, flags));
    for (room, flags) in cases.into_iter().chain([(10, plain)]) {
        let path = Path::new(room, 0);
        let joined = joined(&path, echo, flags);
        let (_opened, addr) = open(&kind(1500), &joined).await;
        let user = user(addr).await;
        for len in [10, 1500] {
            let datagram = Dice(2).bytes(len);
            assert_eq!(ask(&user, &datagram).await, datagram);
        }
        assert_eq!(path.sent(), 0);
        joined.close().await;
    }
    services.close(Duration::ZERO).await;
}

#[tokio::test]
async fn nonsense_beside_the_stream_is_dropped() {
    let path = Path::new(1200, 0);
    let joined = Joined::new(None, LayerFlags::default());
    *joined.path.lock() = Some(path);
    let (_opened, addr) = open(&kind(1500), &joined).await;
    joined.ask.notified().await;
    let (mut client, datagrams) = ends(&joined);
    let user = user(addr).await;
    for nonsense in [&b""[..], b"\xff", b"\x01\x02", &[0xff; 1200], &[4; 1200]] {
        assert!(datagrams.send(nonsense, b""));
    }
    // What comes as a message is taken as before, and a packet of ours is answered beside it.
    let answer = UdpPacket::new("answer", user.local_addr().unwrap());
    client.send(&answer.into()).await.unwrap();
    let mut got = [0; 10];
    let n = user.recv(&mut got).await.unwrap();
    assert_eq!(&got[..n], b"answer");
    user.send(b"question").await.unwrap();
    let datagram = std::future::poll_fn(|cx| datagrams.poll_recv(cx)).await;
    assert!(datagram.unwrap().ends_with(b"question"));
    joined.close().await;
}

#[tokio::test(start_paused = true)]
async fn only_a_message_or_a_packet_is_a_sign_of_life() {
    let joined = Joined::new(None, LayerFlags::default());
    *joined.path.lock() = Some(Path::new(1200, 0));
    let (_opened, _) = open(&kind(1500), &joined).await;
    joined.ask.notified().await;
    let (mut client, datagrams) = ends(&joined);
    let start = Instant::now();
    for _ in 0..5 {
        time::sleep(Duration::from_secs(10)).await;
        assert!(datagrams.send(b"nonsense", b""));
    }
    assert_eq!(client.next().await.unwrap(), None);
    assert_eq!(start.elapsed().as_secs(), 60);
    joined.close().await;
}
