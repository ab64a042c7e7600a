//! Bytes arrive, whole and in order, on every stream.

use std::sync::Arc;

use culvert_io::{Peer, Relaying, Stream, relay};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
};

use super::{echo, exchange, pair, pattern, within};
use crate::{Congestion, QuicOptions};

#[tokio::test]
async fn many_streams_echo_in_both_directions() {
    within(async {
        let (dialled, accepted) = pair(&QuicOptions::default()).await;
        let _echoes = (echo(dialled.clone()), echo(accepted.clone()));
        let mut work = JoinSet::new();
        for seed in 0..200_u64 {
            let len = [0, 1, 100, 70_000, 300_000][usize::try_from(seed).unwrap() % 5];
            let session = [&dialled, &accepted][usize::from(seed % 2 == 1)].clone();
            work.spawn(async move {
                let stream = session.open().await.unwrap();
                exchange(stream, Arc::new(pattern(seed, len))).await;
            });
        }
        work.join_all().await;
    })
    .await;
}

#[tokio::test]
async fn sixty_four_mebibytes_come_back_under_every_controller() {
    within(async {
        let bytes = Arc::new(pattern(1, 64 << 20));
        for congestion in [Congestion::Cubic, Congestion::NewReno, Congestion::Bbr] {
            let options = QuicOptions {
                congestion,
                ..QuicOptions::default()
            };
            let (dialled, accepted) = pair(&options).await;
            let _echo = echo(accepted);
            let stream = dialled.open().await.unwrap();
            exchange(stream, Arc::clone(&bytes)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_thousand_streams_are_open_at_once() {
    within(async {
        let (dialled, accepted) = pair(&QuicOptions::default()).await;
        let _echo = echo(accepted);
        let mut open = Vec::new();
        // More than are allowed at first: the allowance grows with use.
        for n in 0..2500_u64 {
            let mut stream = dialled.open().await.unwrap();
            stream.write_all(&n.to_be_bytes()).await.unwrap();
            open.push(stream);
        }
        for (n, stream) in open.iter_mut().enumerate() {
            assert_eq!(stream.read_u64().await.unwrap(), n as u64);
        }
    })
    .await;
}

/// A pipe of memory with a stream on one end.
fn pipe() -> (Stream, tokio::io::DuplexStream) {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let addr = super::loopback();
    (Stream::new(near, Peer::new(addr, addr, "memory")), far)
}

#[tokio::test]
async fn a_relay_passes_chunks_through() {
    within(async {
        let (dialled, accepted) = pair(&QuicOptions::default()).await;
        let bytes = Arc::new(pattern(3, 8 << 20));
        let (near, user) = pipe();
        let (far, service) = pipe();
        let how = Relaying::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let work = dialled.open().await.unwrap();
            relay(near, work, &how).await;
        });
        tasks.spawn(async move {
            let work = accepted.accept().await.unwrap();
            relay(far, work, &Relaying::default()).await;
        });
        tasks.spawn(async move {
            let (mut r, mut w) = tokio::io::split(service);
            // The relay may be gone before it has taken the end.
            if tokio::io::copy(&mut r, &mut w).await.is_ok() {
                w.shutdown().await.ok();
            }
        });
        // The service has it all only when the user has: nobody ends before.
        let (mut r, mut w) = tokio::io::split(user);
        let mut got = vec![0; bytes.len()];
        let (sent, read) = tokio::join!(w.write_all(&bytes), r.read_exact(&mut got));
        sent.unwrap();
        read.unwrap();
        assert!(got == *bytes);
        w.shutdown().await.unwrap();
        drop((r, w));
        tasks.join_all().await;
    })
    .await;
}

#[tokio::test]
async fn small_windows_carry_much() {
    within(async {
        let options = QuicOptions {
            stream_receive_window: 10_000,
            connection_receive_window: 20_000,
            send_window: 15_000,
            ..QuicOptions::default()
        };
        let (dialled, accepted) = pair(&options).await;
        let _echo = echo(accepted);
        let mut work = JoinSet::new();
        for seed in 0..8 {
            let stream = dialled.open().await.unwrap();
            work.spawn(exchange(stream, Arc::new(pattern(seed, 200_000))));
        }
        work.join_all().await;
    })
    .await;
}
