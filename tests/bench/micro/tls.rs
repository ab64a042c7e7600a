//! TLS over a pipe in memory: records sealed at one end and opened at the other.

use std::sync::Arc;

use criterion::{Criterion, Throughput};
use culvert_io::{Peer, Stream};
use culvert_tls::{ClientConfig, ServerConfig};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    runtime::Builder,
};

/// A frame of the mux.
const FRAME: usize = 256 * 1024;

/// Room for the frame and its records' heads.
const ROOM: usize = 2 * FRAME;

pub(crate) fn all(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let mut group = criterion.benchmark_group("tls");
    let configs = (
        culvert_tls::client_config(None, None).unwrap(),
        culvert_tls::server_config(None, None).unwrap(),
    );
    group.bench_function("handshake", |b| {
        b.iter(|| runtime.block_on(shaken(&configs)));
    });
    let (mut client, mut server) = runtime.block_on(shaken(&configs));
    for (name, len) in [("256 KiB across", FRAME), ("64 bytes across", 64)] {
        let (bytes, mut got) = (vec![7; len], vec![0; len]);
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_function(name, |b| {
            b.iter(|| runtime.block_on(across(&mut client, &bytes, &mut server, &mut got)));
        });
    }
    group.finish();
}

async fn across(client: &mut Stream, bytes: &[u8], server: &mut Stream, got: &mut [u8]) {
    let send = async {
        client.write_all(bytes).await?;
        client.flush().await
    };
    tokio::try_join!(send, server.read_exact(got)).unwrap();
}

/// Both ends after a handshake, the client's first.
async fn shaken((client, server): &(Arc<ClientConfig>, Arc<ServerConfig>)) -> (Stream, Stream) {
    let name = culvert_tls::server_name("localhost", true).unwrap();
    let (a, b) = tokio::io::duplex(ROOM);
    let (client, server) = tokio::join!(
        culvert_tls::connect(stream(a), client, name),
        culvert_tls::accept(stream(b), server)
    );
    (client.unwrap(), server.unwrap())
}

fn stream(pipe: DuplexStream) -> Stream {
    let nowhere = "127.0.0.1:1".parse().unwrap();
    Stream::new(pipe, Peer::new(nowhere, nowhere, "memory"))
}
