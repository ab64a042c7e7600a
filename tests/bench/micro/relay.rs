//! A relay between two sockets on loopback, by copying and through a kernel pipe.

use criterion::{Criterion, Throughput};
use culvert_io::{FastPath, FastPaths, Peer, Relaying, Scope, Stream, relay};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
};

/// Moved at a time: enough that the relay finds out that it is bulk.
const BULK: usize = 16 << 20;

pub(crate) fn all(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let mut group = criterion.benchmark_group("relay");
    let message = [7; 64];
    let bulk = vec![7; BULK];
    let usual = FastPaths::USUAL;
    for (name, paths) in [
        ("copied", usual.without(FastPath::Splice)),
        ("spliced", usual),
    ] {
        let (mut user, mut work) = joined(&runtime, paths);
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("64 bytes, {name}"), |b| {
            b.iter(|| runtime.block_on(across(&mut user, &mut work, &message)));
        });
        group.throughput(Throughput::Bytes(BULK as u64));
        group.bench_function(format!("16 MiB, {name}"), |b| {
            b.iter(|| runtime.block_on(across(&mut user, &mut work, &bulk)));
        });
    }
    group.finish();
}

/// The far ends of the two sockets that a relay joins.
fn joined(runtime: &Runtime, fast_paths: FastPaths) -> (TcpStream, TcpStream) {
    let (user, near_user) = runtime.block_on(pair());
    let (work, near_work) = runtime.block_on(pair());
    let how = Relaying {
        fast_paths,
        ..Relaying::default()
    };
    Scope::root(runtime.handle().clone()).spawn(async move {
        relay(near_user, near_work, &how).await;
    });
    (user, work)
}

async fn pair() -> (TcpStream, Stream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let (far, near) = tokio::join!(TcpStream::connect(at), listener.accept());
    let (far, (near, from)) = (far.unwrap(), near.unwrap());
    for end in [&far, &near] {
        end.set_nodelay(true).unwrap();
    }
    (far, Stream::tcp(near, Peer::new(from, at, "tcp")))
}

/// Sends `bytes` in at one end and takes them out at the other.
async fn across(user: &mut TcpStream, work: &mut TcpStream, bytes: &[u8]) {
    let mut chunk = vec![0; 256 * 1024];
    let receive = async {
        let mut left = bytes.len();
        while left > 0 {
            left -= work.read(&mut chunk).await.unwrap();
        }
    };
    let (sent, ()) = tokio::join!(user.write_all(bytes), receive);
    sent.unwrap();
}
