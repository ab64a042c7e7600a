//! Our conversations against kcp-go with frp's settings, in both roles, over loopback.
//!
//! Needs `go` and, for the first build, the Go module proxy; without `go` the tests are skipped.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

use std::{
    net::SocketAddr,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use culvert_io::Stream;
use culvert_kcp::KcpTransport;
use culvert_kit::go_peer;
use culvert_transport::{Connector, Link, Listener, Options, Target, Transport};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::UdpSocket,
    process::{Child, Command},
    task::JoinSet,
};

async fn within<T>(work: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(120);
    tokio::time::timeout(limit, work).await.unwrap()
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn pipe(link: Link) -> Stream {
    match link {
        Link::Pipe(stream) => stream,
        other => panic!("{other:?}"),
    }
}

/// Bytes that differ by position and by `seed`; the Go peer has the same function.
fn pattern(seed: u64, len: usize) -> Vec<u8> {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        bytes.extend_from_slice(&x.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// A wire that loses one datagram in `every`, both ways; 0 loses none. Answers its near end, and
/// how much it has carried and lost.
async fn wire(to: SocketAddr, every: u64) -> (SocketAddr, Arc<AtomicU64>, JoinSet<()>) {
    let near = Arc::new(UdpSocket::bind(loopback()).await.unwrap());
    let at = near.local_addr().unwrap();
    let lost = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&lost);
    let mut task = JoinSet::new();
    task.spawn(async move {
        let far = UdpSocket::bind(loopback()).await.unwrap();
        let (mut there, mut back) = ([0; 2048], [0; 2048]);
        let (mut from, mut random) = (None, 88_172_645_463_325_252u64);
        loop {
            let (n, outward) = tokio::select! {
                got = near.recv_from(&mut there) => {
                    let (n, addr) = got.unwrap();
                    from = Some(addr);
                    (n, true)
                }
                got = far.recv(&mut back), if from.is_some() => (got.unwrap(), false),
            };
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            if every > 0 && random.is_multiple_of(every) {
                count.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let sent = if outward {
                far.send_to(there.get(..n).unwrap(), to).await
            } else {
                near.send_to(back.get(..n).unwrap(), from.unwrap()).await
            };
            sent.unwrap();
        }
    });
    (at, lost, task)
}

async fn go(arguments: &[&str]) -> Option<Child> {
    let child = Command::new(go_peer("kcp").await.unwrap()?)
        .args(arguments)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    Some(child.unwrap())
}

/// The Go peer asks an echo of ours, over a wire that loses one datagram in `every`.
async fn they_ask(every: u64, arguments: &[&str]) {
    let options = Options::default();
    let mut listener = KcpTransport.bind(loopback(), &options).await.unwrap();
    let (at, lost, _wire) = wire(listener.local_addr().unwrap(), every).await;
    let at = at.to_string();
    let Some(child) = go(&[&["-dial", &at], arguments].concat()).await else {
        return;
    };
    let mut echoes = JoinSet::new();
    echoes.spawn(async move {
        let (handshake, _) = listener.accept().await.unwrap();
        let stream = pipe(handshake.await.unwrap());
        let (mut r, mut w) = tokio::io::split(stream);
        // Nobody says when it ends.
        let _end = tokio::io::copy(&mut r, &mut w).await;
    });
    let done = child.wait_with_output().await.unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stdout), "ok\n");
    assert_eq!(every > 0, lost.load(Ordering::Relaxed) > 0);
}

async fn exchange(stream: &mut Stream, seed: u64, len: usize) {
    let (mut r, mut w) = tokio::io::split(stream);
    let (bytes, mut got) = (pattern(seed, len), vec![0; len]);
    let done = tokio::try_join!(w.write_all(&bytes), r.read_exact(&mut got));
    done.unwrap();
    assert!(got == bytes);
}

/// We ask an echo of the Go peer, over a wire that loses one datagram in `every`.
async fn we_ask(every: u64, lens: &[usize], gap: Duration) {
    let Some(mut child) = go(&["-listen", "127.0.0.1:0"]).await else {
        return;
    };
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let to = lines.next_line().await.unwrap().unwrap().parse().unwrap();
    let (at, _lost, _wire) = wire(to, every).await;
    let connector = KcpTransport.connector(&Options::default()).unwrap();
    let target = Target::new(&at.ip().to_string(), at.port());
    let mut stream = pipe(connector.connect(&target).await.unwrap());
    for (seed, len) in (0..).zip(lens) {
        exchange(&mut stream, seed, *len).await;
        tokio::time::sleep(gap).await;
    }
}

#[tokio::test]
async fn go_asks_little() {
    within(they_ask(0, &["-do", "small"])).await;
}

#[tokio::test]
async fn go_asks_much() {
    within(they_ask(0, &["-do", "big"])).await;
}

/// The pauses make Go skip parity, so that its numbers go out of phase.
#[tokio::test]
async fn go_asks_much_with_losses_and_pauses() {
    within(they_ask(33, &["-do", "big", "-gap", "700ms"])).await;
}

#[tokio::test]
async fn we_ask_little() {
    let lens: Vec<_> = (1..200).collect();
    within(we_ask(0, &lens, Duration::ZERO)).await;
}

#[tokio::test]
async fn we_ask_much() {
    within(we_ask(0, &[8 << 20, 8 << 20], Duration::ZERO)).await;
}

#[tokio::test]
async fn we_ask_much_with_losses_and_pauses() {
    let gap = Duration::from_millis(700);
    within(we_ask(33, &[2 << 20, 10, 2 << 20, 2 << 20], gap)).await;
}
