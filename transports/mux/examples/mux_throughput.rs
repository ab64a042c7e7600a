//! How fast a session moves bytes over loopback TCP, for profiling.
//!
//! `cargo run --release -p culvert-mux --example mux_throughput [streams] [GiB]`
//!
//! Both ends run in this process, each on a thread of its own, so CPU time is that of both.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a tool for developers"
)]

use std::{future::poll_fn, time::Duration};

use culvert_io::{Buffer, ChunkIo, Peer, Scope, Stream};
use culvert_mux::{MuxConfig, MuxSession, Role};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Handle},
    task::JoinSet,
    time::Instant,
};

/// CPU time of the process so far, from /proc (clock ticks of 10 ms).
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: u64 = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|n| n.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

fn session(socket: TcpStream, role: Role) -> MuxSession {
    socket.set_nodelay(true).unwrap();
    let peer = Peer::new(
        socket.peer_addr().unwrap(),
        socket.local_addr().unwrap(),
        "tcp",
    );
    let scope = Scope::root(Handle::current());
    let stream = Stream::tcp(socket, peer);
    let session = MuxSession::start(stream, role, MuxConfig::default(), &scope);
    session.authenticate();
    session
}

/// Sends `total` bytes from lent buffers, as a relay does.
async fn send(mut stream: impl ChunkIo, total: u64) {
    let mut left = total;
    while left > 0 {
        let room = poll_fn(|cx| stream.poll_room(cx)).await.unwrap();
        let len = room.min(usize::try_from(left).unwrap_or(usize::MAX));
        stream.submit(Buffer::large(), len).unwrap();
        left -= len as u64;
        tokio::task::yield_now().await;
    }
    stream.shutdown().await.unwrap();
    while poll_fn(|cx| stream.poll_chunk(cx)).await.unwrap().is_some() {}
}

/// Receives until the end; answers how many bytes came.
async fn receive(mut stream: impl ChunkIo) -> u64 {
    let mut total = 0;
    while let Some(chunk) = poll_fn(|cx| stream.poll_chunk(cx)).await.unwrap() {
        total += chunk.len() as u64;
    }
    total
}

async fn serve(listener: TcpListener) {
    let (socket, _) = listener.accept().await.unwrap();
    let session = session(socket, Role::Server);
    let mut tasks = JoinSet::new();
    while let Ok(mut stream) = session.accept_bare().await {
        tasks.spawn(async move {
            let Ok(kind) = stream.read_u8().await else {
                return;
            };
            if kind == ECHO {
                let mut message = [0; MESSAGE];
                while stream.read_exact(&mut message).await.is_ok() {
                    stream.write_all(&message).await.unwrap();
                }
            } else {
                receive(stream).await;
            }
        });
    }
    tasks.join_all().await;
}

async fn bulk(session: &MuxSession, streams: u64, gib: u64) {
    let (start, before) = (Instant::now(), cpu());
    let mut work = JoinSet::new();
    for _ in 0..streams {
        let mut stream = session.open_bare().await.unwrap();
        stream.write_u8(BULK).await.unwrap();
        work.spawn(send(stream, gib * GIB / streams));
    }
    work.join_all().await;
    let (time, cpu) = (start.elapsed().as_secs_f64(), cpu() - before);
    println!(
        "bulk, {streams} streams: {:.2} GiB/s, {:.2} CPU s/GiB",
        gib as f64 / time,
        cpu.as_secs_f64() / gib as f64
    );
}

async fn rounds(session: &MuxSession, streams: u32, each: u32) {
    let (start, before) = (Instant::now(), cpu());
    let mut work = JoinSet::new();
    for _ in 0..streams {
        let mut stream = session.open_bare().await.unwrap();
        work.spawn(async move {
            stream.write_u8(ECHO).await.unwrap();
            let mut message = [7; MESSAGE];
            for _ in 0..each {
                stream.write_all(&message).await.unwrap();
                stream.read_exact(&mut message).await.unwrap();
            }
        });
    }
    work.join_all().await;
    let (time, cpu) = (start.elapsed(), cpu() - before);
    let ops = f64::from(streams * each);
    println!(
        "echo, {streams} streams: {:.0} op/s, {:.1} CPU us/op",
        ops / time.as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / ops
    );
}

/// Resident memory of the process, bytes (pages of 4 KiB).
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).map(str::parse::<u64>);
    pages.and_then(Result::ok).unwrap_or(0) * 4096
}

async fn idle(session: &MuxSession, streams: u64) {
    let before = resident();
    let mut held = Vec::new();
    for _ in 0..streams {
        held.push(session.open_bare().await.unwrap());
    }
    while session.unacknowledged() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    println!(
        "idle, {streams} streams: {} bytes per stream, both ends and a task",
        resident().saturating_sub(before) / streams
    );
}

fn main() {
    let mut args = std::env::args().skip(1).filter_map(|a| a.parse().ok());
    let streams = args.next().unwrap_or(8);
    let gib = args.next().unwrap_or(4);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let addr = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { serve(TcpListener::from_std(listener).unwrap()).await });
    });
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let socket = TcpStream::connect(addr).await.unwrap();
        let session = session(socket, Role::Client);
        bulk(&session, 1, gib).await;
        bulk(&session, streams, gib).await;
        rounds(&session, 1, 20_000).await;
        rounds(&session, 64, 3000).await;
        idle(&session, 20_000).await;
        session.close().await;
    });
    server.join().unwrap();
}

const GIB: u64 = 1 << 30;
const MESSAGE: usize = 64;
const BULK: u8 = 0;
const ECHO: u8 = 1;
