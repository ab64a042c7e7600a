//! Measures a conversation over loopback: time of small requests, then bytes per second.
//!
//! `cargo run --release -p culvert-kcp --example kcp_throughput [ADDR]`; with an address, against
//! an echo there (`tests/peers/go/kcp -listen`), otherwise against our own.
#![expect(
    clippy::print_stdout,
    reason = "a program of its own that talks to its user"
)]

use std::{error::Error, net::SocketAddr, time::Duration};

use culvert_io::{Scope, Stream};
use culvert_kcp::KcpTransport;
use culvert_transport::{Connector, Link, Listener, Options, Target, Transport};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::Handle,
    time::Instant,
};

/// Bytes sent and echoed.
const MUCH: usize = 64 << 20;
/// Requests of which the median and the slowest are shown.
const REQUESTS: usize = 1000;

type Failure = Box<dyn Error + Send + Sync>;

fn pipe(link: Link) -> Result<Stream, Failure> {
    match link {
        Link::Pipe(stream) => Ok(stream),
        _ => Err("not a pipe".into()),
    }
}

async fn echo(mut listener: impl Listener) -> Result<(), Failure> {
    let stream = pipe(listener.accept().await?.0.await?)?;
    let (mut r, mut w) = tokio::io::split(stream);
    tokio::io::copy(&mut r, &mut w).await?;
    Ok(())
}

async fn requests(stream: &mut Stream) -> Result<Vec<Duration>, Failure> {
    let mut times = Vec::with_capacity(REQUESTS);
    let mut answer = [0; 100];
    for _ in 0..REQUESTS {
        let begun = Instant::now();
        stream.write_all(&[7; 100]).await?;
        stream.read_exact(&mut answer).await?;
        times.push(begun.elapsed());
    }
    times.sort();
    Ok(times)
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let at = match std::env::args().nth(1) {
        Some(at) => at.parse()?,
        None => {
            let any = SocketAddr::from(([127, 0, 0, 1], 0));
            let listener = KcpTransport.bind(any, &Options::default()).await?;
            let at = listener.local_addr()?;
            Scope::root(Handle::current()).spawn(async move {
                if let Err(err) = echo(listener).await {
                    tracing::warn!("the echo ended: {err}");
                }
            });
            at
        }
    };
    let connector = KcpTransport.connector(&Options::default())?;
    let target = Target::new(&at.ip().to_string(), at.port());
    let mut stream = pipe(connector.connect(&target).await?)?;
    let times = requests(&mut stream).await?;
    let median = times.get(REQUESTS / 2).copied().unwrap_or_default();
    println!("request: median {median:?}, slowest {:?}", times.last());
    let begun = Instant::now();
    let (mut r, mut w) = tokio::io::split(stream);
    let send = async {
        let chunk = vec![1; 64 << 10];
        for _ in 0..MUCH / chunk.len() {
            w.write_all(&chunk).await?;
        }
        Ok::<_, Failure>(())
    };
    let receive = async {
        let (mut left, mut buffer) = (MUCH, vec![0; 64 << 10]);
        while left > 0 {
            left = left.saturating_sub(r.read(&mut buffer).await?);
        }
        Ok(())
    };
    tokio::try_join!(send, receive)?;
    let took = begun.elapsed();
    println!("echoed {} MiB in {took:?}", MUCH >> 20);
    Ok(())
}
