//! Our sessions against the `yamux` crate, in both roles.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a failed test panics"
)]

mod common;

use std::{future::poll_fn, task::Poll};

use common::{pattern, session, within};
use culvert_mux::{MuxConfig, MuxSession, Role};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream},
    sync::mpsc,
    task::JoinSet,
};
use tokio_util::compat::{FuturesAsyncReadCompatExt, TokioAsyncReadCompatExt};
use yamux::{Connection, Mode};

const STREAMS: u64 = 40;

/// Runs the crate's connection; opened and accepted streams come out of the channels.
fn run_theirs(
    tasks: &mut JoinSet<()>,
    io: DuplexStream,
    mode: Mode,
    opens: u64,
) -> mpsc::Receiver<yamux::Stream> {
    let mut connection = Connection::new(io.compat(), yamux::Config::default(), mode);
    let (out, streams) = mpsc::channel(1000);
    tasks.spawn(async move {
        let mut left = opens;
        poll_fn(move |cx| {
            while left > 0
                && let Poll::Ready(Ok(stream)) = connection.poll_new_outbound(cx)
            {
                left -= 1;
                out.try_send(stream).unwrap();
            }
            while let Poll::Ready(next) = connection.poll_next_inbound(cx) {
                match next {
                    Some(Ok(stream)) => out.try_send(stream).unwrap(),
                    Some(Err(_)) | None => return Poll::Ready(()),
                }
            }
            Poll::Pending
        })
        .await;
    });
    streams
}

async fn echo(stream: impl AsyncRead + AsyncWrite) {
    let (mut r, mut w) = tokio::io::split(stream);
    tokio::io::copy(&mut r, &mut w).await.unwrap();
    w.shutdown().await.unwrap();
}

async fn exchange(stream: impl AsyncRead + AsyncWrite, seed: u64) {
    let len = [1, 1000, 100_000, 2_000_000][seed as usize % 4];
    let bytes = pattern(seed, len);
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

async fn they_echo(ours: MuxSession, mut theirs: mpsc::Receiver<yamux::Stream>) {
    let mut work = JoinSet::new();
    for seed in 0..STREAMS {
        let stream = ours.open().await.unwrap();
        work.spawn(exchange(stream, seed));
    }
    for _ in 0..STREAMS {
        let stream = theirs.recv().await.unwrap();
        work.spawn(echo(stream.compat()));
    }
    work.join_all().await;
}

async fn we_echo(ours: MuxSession, mut theirs: mpsc::Receiver<yamux::Stream>) {
    let mut work = JoinSet::new();
    for seed in 0..STREAMS {
        let stream = theirs.recv().await.unwrap();
        work.spawn(exchange(stream.compat(), seed));
    }
    for _ in 0..STREAMS {
        let stream = ours.accept().await.unwrap();
        work.spawn(echo(stream));
    }
    work.join_all().await;
}

#[tokio::test]
async fn streams_that_we_open_as_either_role() {
    within(async {
        for (role, mode) in [(Role::Client, Mode::Server), (Role::Server, Mode::Client)] {
            let (a, b) = tokio::io::duplex(64 * 1024);
            let mut tasks = JoinSet::new();
            let theirs = run_theirs(&mut tasks, b, mode, 0);
            they_echo(session(a, role, MuxConfig::default()), theirs).await;
        }
    })
    .await;
}

#[tokio::test]
async fn streams_that_they_open_as_either_role() {
    within(async {
        for (role, mode) in [(Role::Client, Mode::Server), (Role::Server, Mode::Client)] {
            let (a, b) = tokio::io::duplex(64 * 1024);
            let mut tasks = JoinSet::new();
            let theirs = run_theirs(&mut tasks, b, mode, STREAMS);
            we_echo(session(a, role, MuxConfig::default()), theirs).await;
        }
    })
    .await;
}
