//! Measures what relaying costs on loopback: GiB/s, CPU seconds of the relaying thread per GiB,
//! by copying and by splicing, and memory per idle relay.
//!
//! `cargo run --release -p culvert-io --example relay_throughput [GiB per run] [idle relays]`
#![expect(clippy::print_stdout, reason = "the figures are the purpose")]

use std::{error::Error, fs, net::TcpListener as Listener, sync::Arc, time::Duration};

use culvert_io::{Buffer, Lanes, Meter, Peer, Relayed, Relaying, Scope, Stream, relay};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    time::Instant,
};

type Failure = Box<dyn Error + Send + Sync>;

const GIB: f64 = (1_u64 << 30) as f64;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let gib: u64 = arguments.next().map_or(Ok(4), |n| n.parse())?;
    let idle: usize = arguments.next().map_or(Ok(1000), |n| n.parse())?;
    // The relay alone is on the second lane, so that its CPU time can be told apart.
    let lanes = Lanes::start(2)?;
    let [ends, relays] = lanes.handles() else {
        return Err("two lanes were asked for".into());
    };
    let (ends, relays) = (ends.clone(), Scope::root(relays.clone()));
    measure_idle(&ends, &relays, idle)?;
    for round in 1..=3 {
        for allow_splice in [false, true] {
            bulk(&ends, &relays, gib << 30, allow_splice)
                .inspect(|line| println!("round {round}: {line}"))?;
        }
    }
    let _left = lanes.shutdown(Duration::from_secs(1));
    Ok(())
}

/// Two sockets of the relay and the far end of each.
struct Pairs {
    near: (std::net::TcpStream, std::net::TcpStream),
    far: (std::net::TcpStream, std::net::TcpStream),
}

fn pairs(listener: &Listener) -> Result<Pairs, Failure> {
    let pair = || -> Result<_, Failure> {
        let far = std::net::TcpStream::connect(listener.local_addr()?)?;
        let (near, _) = listener.accept()?;
        for end in [&near, &far] {
            end.set_nonblocking(true)?;
            end.set_nodelay(true)?;
        }
        Ok((near, far))
    };
    let (user, work) = (pair()?, pair()?);
    Ok(Pairs {
        near: (user.0, work.0),
        far: (user.1, work.1),
    })
}

fn begin(
    scope: &Scope,
    near: (std::net::TcpStream, std::net::TcpStream),
    how: Relaying,
) -> oneshot::Receiver<(Relayed, f64)> {
    let (tell, told) = oneshot::channel();
    scope.spawn(async move {
        let cpu = thread_cpu();
        if let (Ok(user), Ok(work)) = (stream(near.0), stream(near.1)) {
            let relayed = relay(user, work, &how).await;
            let _gone = tell.send((relayed, thread_cpu() - cpu));
        }
    });
    told
}

fn stream(socket: std::net::TcpStream) -> Result<Stream, Failure> {
    let peer = Peer::new(socket.peer_addr()?, socket.local_addr()?, "tcp");
    Ok(Stream::tcp(TcpStream::from_std(socket)?, peer))
}

fn bulk(
    ends: &tokio::runtime::Handle,
    relays: &Scope,
    total: u64,
    allow_splice: bool,
) -> Result<String, Failure> {
    let listener = Listener::bind("127.0.0.1:0")?;
    let Pairs { near, far } = pairs(&listener)?;
    let meter = Arc::new(Meter::new());
    let how = Relaying {
        allow_splice,
        meter: Some(Arc::clone(&meter)),
        ..Relaying::default()
    };
    let told = begin(relays, near, how);
    let (cpu, began) = (process_cpu(), Instant::now());
    let source = Scope::root(ends.clone());
    source.spawn(async move {
        let buffer = Buffer::large();
        if let Ok(mut user) = TcpStream::from_std(far.0) {
            let mut left = total;
            while left > 0 {
                let n = left.min(buffer.payload().len() as u64);
                let part = usize::try_from(n)
                    .ok()
                    .and_then(|n| buffer.payload().get(..n));
                if user.write_all(part.unwrap_or_default()).await.is_err() {
                    break;
                }
                left -= n;
            }
            let _gone = user.shutdown().await;
            let _end = user.read(&mut [0; 1]).await;
        }
    });
    source.spawn(async move {
        let mut buffer = Buffer::large();
        if let Ok(mut work) = TcpStream::from_std(far.1) {
            while work.read(buffer.payload_mut()).await.is_ok_and(|n| n > 0) {}
        }
    });
    let (relayed, relay_cpu) = told.blocking_recv()?;
    let (seconds, gib) = (began.elapsed().as_secs_f64(), total as f64 / GIB);
    if relayed.to_work != total || meter.bytes_in() != total {
        return Err(format!("{} of {total} bytes arrived", relayed.to_work).into());
    }
    Ok(format!(
        "{:?}: {:.2} GiB/s, relay thread {:.3} CPU s/GiB, whole process {:.3}",
        relayed.path,
        gib / seconds,
        relay_cpu / gib,
        (process_cpu() - cpu) / gib
    ))
}

fn measure_idle(
    ends: &tokio::runtime::Handle,
    relays: &Scope,
    count: usize,
) -> Result<(), Failure> {
    let listener = Listener::bind("127.0.0.1:0")?;
    let mut opened = Vec::new();
    for _ in 0..count {
        opened.push(pairs(&listener)?);
    }
    let before = resident_kib()?;
    let mut far = Vec::new();
    let mut told = Vec::new();
    for pair in opened {
        told.push(begin(relays, pair.near, Relaying::default()));
        far.push(pair.far);
    }
    // A byte through each, so that every relay has run and is idle again.
    ends.block_on(async {
        let mut kept = Vec::new();
        for (user, work) in far {
            let (mut user, mut work) = (TcpStream::from_std(user)?, TcpStream::from_std(work)?);
            user.write_all(b"x").await?;
            work.read_exact(&mut [0; 1]).await?;
            kept.push((user, work));
        }
        let after = resident_kib()?;
        println!(
            "{count} idle relays: {:.2} KiB each, with the sockets' registration at both ends",
            (after - before) / count as f64
        );
        Ok::<(), Failure>(())
    })?;
    drop(told);
    Ok(())
}

/// Resident memory of this process.
fn resident_kib() -> Result<f64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.ok_or("no VmRSS")?.parse()?)
}

/// CPU seconds of the calling thread, to a nanosecond (`schedstat`); 0 where unknown.
fn thread_cpu() -> f64 {
    let path = "/proc/thread-self/schedstat";
    let text = fs::read_to_string(path).unwrap_or_default();
    let spent = text.split_whitespace().next().and_then(|n| n.parse().ok());
    spent.unwrap_or(0.0) / 1e9
}

/// CPU seconds of all threads.
fn process_cpu() -> f64 {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten();
    tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|text| text.split_whitespace().next()?.parse::<f64>().ok())
        .sum::<f64>()
        / 1e9
}
