//! The mux without sockets: from one end's queue into the other's streams.

use std::{
    io::IoSlice,
    task::{Context, Poll, Waker},
};

use criterion::{Criterion, Throughput};
use culvert_io::Buffer;
use culvert_mux::{Core, MuxConfig, Received, Role};
use tokio::time::Instant;

/// Streams that talk at the same time.
const MANY: usize = 64;

const MESSAGE: [u8; 64] = [7; 64];

pub(crate) fn all(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mux");
    let mut ends = Ends::new();
    let stream = ends.open();
    let full = Buffer::large().payload().len();
    group.throughput(Throughput::Bytes(full as u64));
    group.bench_function("one stream, full frames", |b| {
        b.iter(|| {
            ends.client.submit(stream, Buffer::large(), full).unwrap();
            ends.exchange();
            ends.drain(stream)
        });
    });
    let streams: Vec<_> = (0..MANY).map(|_| ends.open()).collect();
    group.throughput(Throughput::Elements(MANY as u64));
    group.bench_function("64 streams, 64 bytes each", |b| {
        b.iter(|| {
            for stream in &streams {
                ends.client.write(*stream, &MESSAGE).unwrap();
            }
            ends.exchange();
            streams.iter().map(|s| ends.drain(*s)).sum::<usize>()
        });
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("a stream opened and ended", |b| {
        b.iter(|| {
            let stream = ends.open();
            for end in [&mut ends.client, &mut ends.server] {
                end.finish(stream, Instant::now());
            }
            ends.exchange();
            ends.drain(stream);
            for end in [&mut ends.client, &mut ends.server] {
                end.release(stream, Instant::now());
            }
        });
    });
    group.finish();
}

/// Both ends of a session.
struct Ends {
    client: Core,
    server: Core,
}

impl Ends {
    fn new() -> Self {
        let [client, server] = [Role::Client, Role::Server].map(|role| {
            let mut core = Core::new(role, MuxConfig::default(), Instant::now());
            core.authenticate();
            core
        });
        Self { client, server }
    }

    fn open(&mut self) -> u32 {
        let stream = self.client.open(Instant::now()).unwrap().unwrap();
        self.exchange();
        assert_eq!(self.server.accept().unwrap(), Some(stream));
        self.exchange();
        stream
    }

    /// Carries what both have queued to the other.
    fn exchange(&mut self) {
        while self.client.queued() > 0 || self.server.queued() > 0 {
            carry(&mut self.client, &mut self.server);
            carry(&mut self.server, &mut self.client);
        }
    }

    /// Takes what the server has received; how much that was.
    fn drain(&mut self, stream: u32) -> usize {
        let context = Context::from_waker(Waker::noop());
        let mut taken = 0;
        while let Poll::Ready(Ok(Some(chunk))) =
            self.server.poll_chunk(stream, &context, Instant::now)
        {
            taken += chunk.len();
        }
        taken
    }
}

fn carry(from: &mut Core, to: &mut Core) {
    while from.queued() > 0 {
        let mut slices = [IoSlice::new(&[]); 64];
        let used = from.transmit(&mut slices);
        let mut sent = 0;
        for slice in slices.iter().take(used) {
            to.receive(Received::Lent(slice), Instant::now()).unwrap();
            sent += slice.len();
        }
        from.transmitted(sent);
    }
}
