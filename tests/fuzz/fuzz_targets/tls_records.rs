//! Records of an established TLS connection that arrive in any pieces, damaged or cut, to a reader
//! with buffers of any length. What is read is what was sent, up to the damage and never beyond.
//! `CULVERT_FAST_PATHS=-records` has rustls open and seal them.
#![no_main]

use std::{
    future::{Future, poll_fn},
    net::SocketAddr,
    pin::pin,
    sync::{Arc, LazyLock},
    task::Poll,
};

use culvert_io::{Io, Peer, Stream};
use culvert_tls::{
    ClientConfig, ServerConfig, accept, client_config_unverified, connect, server_config,
    server_name,
};
use libfuzzer_sys::fuzz_target;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, copy_bidirectional, duplex},
    runtime::Builder,
    task::unconstrained,
};

/// What may be sent in one run.
const MOST: usize = 512 * 1024;
/// More than that under records: nothing waits for room.
const ROOM: usize = 2 * MOST;

static CONFIGS: LazyLock<(Arc<ServerConfig>, Arc<ClientConfig>)> = LazyLock::new(|| {
    let client = client_config_unverified().unwrap();
    (server_config(None, None).unwrap(), client)
});

fn stream(io: impl Io) -> Stream {
    let at = SocketAddr::from(([127, 0, 0, 1], 1));
    Stream::new(io, Peer::new(at, at, "memory"))
}

/// An established sender and reader, and the wires behind them.
async fn established() -> (Stream, Stream, DuplexStream, DuplexStream) {
    let ((near, mut out), (far, mut into)) = (duplex(ROOM), duplex(ROOM));
    let (server, client) = &*CONFIGS;
    let name = server_name("localhost", false).unwrap();
    let (sender, reader) = tokio::select! {
        both = async { tokio::join!(accept(stream(near), server), connect(stream(far), client, name)) }
            => both,
        end = copy_bidirectional(&mut out, &mut into) => panic!("{end:?}"),
    };
    (sender.unwrap(), reader.unwrap(), out, into)
}

/// What `work` comes to right now.
async fn now<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

async fn run(input: &[u8]) {
    let (mut sender, mut reader, mut out, mut into) = established().await;
    let (mut sent, mut got, mut wire) = (Vec::new(), Vec::new(), Vec::new());
    let mut damaged = false;
    for step in input.chunks_exact(2) {
        let (choice, len) = (step[0], usize::from(step[1]) * usize::from(step[1]));
        match choice & 7 {
            0 | 1 if sent.len() + len <= MOST => {
                let from = sent.len();
                sent.extend((from..from + len).map(|at| (at % 251) as u8));
                sender.write_all(&sent[from..]).await.unwrap();
                sender.flush().await.unwrap();
            }
            2 | 3 => {
                let rest = wire.split_off(wire.len().min(len + 1));
                into.write_all(&wire).await.unwrap();
                wire = rest;
            }
            4 | 5 => {
                let mut piece = vec![0; len + 1];
                match now(reader.read(&mut piece)).await {
                    Some(Ok(n)) => got.extend_from_slice(&piece[..n]),
                    Some(Err(why)) => assert!(damaged, "{why}"),
                    None => {}
                }
            }
            6 if !wire.is_empty() => {
                let at = len % wire.len();
                wire[at] ^= 1 << (choice >> 5);
                damaged = true;
            }
            7 if !wire.is_empty() => {
                wire.truncate(len % wire.len());
                damaged = true;
            }
            _ => {}
        }
        while let Some(Ok(1..)) = now(out.read_buf(&mut wire)).await {}
    }
    into.write_all(&wire).await.unwrap();
    into.shutdown().await.unwrap();
    let end = reader.read_to_end(&mut got).await;
    assert!(sent.starts_with(&got), "what was read was not sent");
    assert!(
        damaged || (end.is_ok() && got.len() == sent.len()),
        "{end:?}"
    );
}

fuzz_target!(|input: &[u8]| {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(unconstrained(run(input)));
});
