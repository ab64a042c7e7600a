//! Our sessions against the QUIC library that frp uses, in both roles.
//!
//! Needs `go` and, for the first build, the Go module proxy; without `go` the tests are skipped.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test panics"
)]

use std::{
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Stdio,
    time::Duration,
};

use culvert_kit::go_peer;
use culvert_quic::Quic;
use culvert_transport::{BoxSession, DynTransport, Link, Options, Target, report};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
    task::JoinSet,
};

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), work)
        .await
        .expect("test took too long")
}

fn run(program: &Path, args: &[&str]) -> Child {
    Command::new(program)
        .args(args)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

fn session(link: Link) -> BoxSession {
    let Link::Session(session) = link else {
        panic!("no session");
    };
    session.authenticate();
    session
}

/// A Go server that does `what`, our session with it, and the rest of its output.
async fn dial(
    program: &Path,
    what: &str,
) -> (BoxSession, Child, BufReader<tokio::process::ChildStdout>) {
    let mut child = run(program, &["-role", "server", "-do", what]);
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).await.unwrap();
    let at: SocketAddr = line
        .trim()
        .strip_prefix("listen ")
        .unwrap()
        .parse()
        .unwrap();
    let transport: &dyn DynTransport = &Quic;
    let connector = transport.connector(&Options::default()).unwrap();
    let target = Target::new(&at.ip().to_string(), at.port());
    let link = connector.connect(&target).await.unwrap();
    (session(link), child, output)
}

/// A Go client that does `what`, and our session with it.
async fn accept(program: &Path, what: &str) -> (BoxSession, Child) {
    let transport: &dyn DynTransport = &Quic;
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut listener = transport.bind(at, &Options::default()).await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let child = run(program, &["-role", "client", "-addr", &at, "-do", what]);
    let (handshake, _) = listener.accept().await.unwrap();
    (session(handshake.await.unwrap()), child)
}

/// Echoes every stream that the peer opens; answers why the session ended.
async fn echo(session: BoxSession) -> String {
    let mut streams = JoinSet::new();
    while let Ok(stream) = session.accept().await {
        streams.spawn(async move {
            let (mut r, mut w) = tokio::io::split(stream);
            // The peer may close first; the copy then ends early.
            if tokio::io::copy(&mut r, &mut w).await.is_ok() {
                w.shutdown().await.unwrap();
            }
        });
    }
    streams.join_all().await;
    session.closed().await
}

/// Both sides end well when the Go peer opens streams and does `what` on them.
async fn they_open(what: &str) {
    let Some(program) = go_peer("quic").await.unwrap() else {
        return;
    };
    within(async {
        let (ours, child) = accept(&program, what).await;
        let (why, done) = tokio::join!(echo(ours), child.wait_with_output());
        assert_eq!(String::from_utf8_lossy(&done.unwrap().stdout), "ok\n");
        assert_eq!(why, "closed by the peer");

        let (ours, _child, mut output) = dial(&program, what).await;
        let mut said = String::new();
        let (why, read) = tokio::join!(echo(ours), output.read_to_string(&mut said));
        read.unwrap();
        assert_eq!(said, "ok\n");
        assert_eq!(why, "closed by the peer");
    })
    .await;
}

#[tokio::test]
async fn go_opens_many_streams() {
    they_open("many").await;
}

#[tokio::test]
async fn go_opens_more_streams_than_are_allowed_at_first() {
    they_open("crowd").await;
}

#[tokio::test]
async fn go_sends_and_receives_much() {
    they_open("big").await;
}

#[tokio::test]
async fn go_closes_streams_in_both_directions_at_once() {
    they_open("full").await;
}

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

async fn exchange(session: BoxSession, seed: u64, len: usize) {
    let bytes = pattern(seed, len);
    let stream = session.open().await.unwrap();
    let (mut r, mut w) = tokio::io::split(stream);
    let mut got = Vec::new();
    let (sent, read) = tokio::join!(
        async {
            w.write_all(&bytes).await?;
            w.shutdown().await
        },
        r.read_to_end(&mut got)
    );
    sent.unwrap();
    read.unwrap();
    assert!(got == bytes, "{} of {} bytes", got.len(), bytes.len());
}

/// Many streams, one large one, some that are dropped, and then a proper end.
async fn work(session: BoxSession) {
    let mut work = JoinSet::new();
    for seed in 0..300_u64 {
        let len = match seed % 5 {
            0 => 0,
            1 => 1,
            2 => 100,
            3 => 70_000,
            _ => 1_000_000,
        };
        work.spawn(exchange(session.clone(), seed, len));
    }
    work.join_all().await;
    for seed in 0..50 {
        let mut stream = session.open().await.unwrap();
        stream.write_all(&pattern(seed, 100_000)).await.unwrap();
        stream.read_exact(&mut [0; 1000]).await.unwrap();
    }
    exchange(session.clone(), 7, 64 << 20).await;
    session.close("test is over").await;
}

#[tokio::test]
async fn we_open_streams_and_go_echoes() {
    let Some(program) = go_peer("quic").await.unwrap() else {
        return;
    };
    within(async {
        // The peer fails unless the connection ends with code 0 and no reason.
        let (ours, child) = accept(&program, "serve").await;
        work(ours).await;
        assert!(child.wait_with_output().await.unwrap().status.success());
        let (ours, mut child, _output) = dial(&program, "serve").await;
        work(ours).await;
        assert!(child.wait().await.unwrap().success());
    })
    .await;
}

#[tokio::test]
async fn a_session_that_is_dropped_is_closed_properly() {
    let Some(program) = go_peer("quic").await.unwrap() else {
        return;
    };
    within(async {
        let (ours, child) = accept(&program, "gone").await;
        let mut stream = ours.accept().await.unwrap();
        let mut got = Vec::new();
        stream.read_to_end(&mut got).await.unwrap();
        stream.write_all(&got).await.unwrap();
        drop((stream, ours));
        let done = child.wait_with_output().await.unwrap();
        assert_eq!(String::from_utf8_lossy(&done.stdout), "ok\n");
    })
    .await;
}

#[tokio::test]
async fn go_with_another_protocol_is_refused() {
    let Some(program) = go_peer("quic").await.unwrap() else {
        return;
    };
    within(async {
        let transport: &dyn DynTransport = &Quic;
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut listener = transport.bind(at, &Options::default()).await.unwrap();
        let at = listener.local_addr().unwrap().to_string();
        let mut child = run(&program, &["-role", "client", "-addr", &at, "-alpn", "h3"]);
        let (handshake, _) = listener.accept().await.unwrap();
        let text = report(&handshake.await.unwrap_err());
        assert!(text.contains("quic handshake"), "{text}");
        assert!(!child.wait().await.unwrap().success());
    })
    .await;
}
