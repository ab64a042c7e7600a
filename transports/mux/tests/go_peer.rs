//! Our sessions against frp's own yamux in Go, in both roles, over TCP.
//!
//! Needs `go` and, for the first build, the Go module proxy; without `go` the tests are skipped.
#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a failed test panics"
)]

mod common;

use std::{path::Path, process::Stdio};

use common::{pattern, session, within};
use culvert_kit::go_peer;
use culvert_mux::{MuxConfig, MuxSession, Role};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    process::{Child, Command},
    task::JoinSet,
};

/// Starts the Go peer in the opposite role; answers our session and the process.
async fn meet(program: &Path, ours: Role, what: &str) -> (MuxSession, Child) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let role = match ours {
        Role::Client => "server",
        Role::Server => "client",
    };
    let child = Command::new(program)
        .arg("-dial")
        .arg(listener.local_addr().unwrap().to_string())
        .args(["-role", role, "-do", what])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let (socket, _) = listener.accept().await.unwrap();
    socket.set_nodelay(true).unwrap();
    (session(socket, ours, MuxConfig::default()), child)
}

async fn echo(stream: impl AsyncRead + AsyncWrite) {
    let (mut r, mut w) = tokio::io::split(stream);
    // The peer may close first; the copy then ends early.
    if tokio::io::copy(&mut r, &mut w).await.is_ok() {
        w.shutdown().await.unwrap();
    }
}

/// The Go peer opens streams and does `what` on them; we echo.
async fn they_open(what: &str) {
    let Some(program) = go_peer("yamux").await.unwrap() else {
        return;
    };
    within(async {
        for ours in [Role::Server, Role::Client] {
            let (session, child) = meet(&program, ours, what).await;
            let mut tasks = JoinSet::new();
            tasks.spawn(async move {
                let mut streams = JoinSet::new();
                while let Ok(stream) = session.accept().await {
                    streams.spawn(echo(stream));
                }
                streams.join_all().await;
            });
            let done = child.wait_with_output().await.unwrap();
            assert_eq!(String::from_utf8_lossy(&done.stdout), "ok\n", "{ours:?}");
            tasks.join_all().await;
        }
    })
    .await;
}

#[tokio::test]
async fn go_opens_many_streams() {
    they_open("many").await;
}

#[tokio::test]
async fn go_sends_and_receives_much() {
    they_open("big").await;
}

#[tokio::test]
async fn go_finds_its_idle_streams_acknowledged() {
    they_open("idle").await;
}

#[tokio::test]
async fn go_finishes_its_direction_first() {
    they_open("half").await;
}

async fn exchange(session: MuxSession, seed: u64, len: usize) {
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

#[tokio::test]
async fn we_open_many_streams_and_go_echoes() {
    let Some(program) = go_peer("yamux").await.unwrap() else {
        return;
    };
    within(async {
        for ours in [Role::Server, Role::Client] {
            let (session, mut child) = meet(&program, ours, "serve").await;
            let mut work = JoinSet::new();
            for seed in 0..300 {
                let len = [0, 1, 100, 70_000, 1_000_000][seed as usize % 5];
                work.spawn(exchange(session.clone(), seed, len));
            }
            work.join_all().await;
            exchange(session.clone(), 7, 64 << 20).await;
            session.close().await;
            assert!(child.wait().await.unwrap().success());
        }
    })
    .await;
}

#[tokio::test]
async fn a_stream_dropped_with_unread_bytes_leaves_the_session_whole() {
    let Some(program) = go_peer("yamux").await.unwrap() else {
        return;
    };
    within(async {
        let (session, mut child) = meet(&program, Role::Client, "serve").await;
        for seed in 0..50 {
            let mut stream = session.open().await.unwrap();
            stream.write_all(&pattern(seed, 100_000)).await.unwrap();
            let mut some = vec![0; 1000];
            stream.read_exact(&mut some).await.unwrap();
            drop(stream);
        }
        exchange(session.clone(), 1, 1_000_000).await;
        session.close().await;
        assert!(child.wait().await.unwrap().success());
    })
    .await;
}
