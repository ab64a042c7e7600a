//! How fast one TLS connection moves bytes over loopback TCP, and what it costs:
//! `cargo run --release -p culvert-tls --example tls_throughput [GiB]`.

use std::{error::Error, fs, time::Duration};

use culvert_io::{Peer, Stream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::Instant,
};

/// A mux frame.
const CHUNK: usize = 256 * 1024;
const GIB: usize = 1024 * 1024 * 1024;

fn tcp(socket: TcpStream) -> Result<Stream, Box<dyn Error>> {
    socket.set_nodelay(true)?;
    let peer = Peer::new(socket.peer_addr()?, socket.local_addr()?, "tcp");
    Ok(Stream::tcp(socket, peer))
}

/// User and system time of this process, in seconds; Linux only.
fn cpu_seconds() -> f64 {
    // Fields 14 and 15 of proc(5) stat, in ticks of 1/100 s; the name before them is in brackets.
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: u32 = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u32>().ok())
        .sum();
    f64::from(ticks) / 100.0
}

async fn sender(at: std::net::SocketAddr, total: usize) -> Result<(), Box<dyn Error>> {
    let config = culvert_tls::client_config(None, None)?;
    let name = culvert_tls::server_name("localhost", false)?;
    let stream = tcp(TcpStream::connect(at).await?)?;
    let mut stream = culvert_tls::connect(stream, &config, name).await?;
    let chunk = vec![7; CHUNK];
    for _ in 0..total / CHUNK {
        stream.write_all(&chunk).await?;
    }
    stream.shutdown().await?;
    // A socket that is closed with unread bytes (the server's ticket) resets the connection.
    while stream.read(&mut [0; 64]).await? > 0 {}
    Ok(())
}

async fn receiver(listener: TcpListener) -> Result<usize, Box<dyn Error>> {
    let config = culvert_tls::server_config(None, None)?;
    let (socket, _) = listener.accept().await?;
    let mut stream = culvert_tls::accept(tcp(socket)?, &config).await?;
    let mut buf = vec![0; 2 * CHUNK];
    let mut total = 0;
    loop {
        match stream.read(&mut buf).await? {
            0 => return Ok(total),
            n => total += n,
        }
    }
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "the point of the program")]
async fn main() -> Result<(), Box<dyn Error>> {
    let gib: u16 = std::env::args().nth(1).map_or(Ok(4), |n| n.parse())?;
    let total = usize::from(gib) * GIB;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let at = listener.local_addr()?;
    // The sender on a thread of its own, as the other end of a tunnel is.
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| e.to_string())?;
        runtime
            .block_on(sender(at, total))
            .map_err(|e| e.to_string())
    });
    let (begun, cpu) = (Instant::now(), cpu_seconds());
    let got = receiver(listener).await?;
    let (took, cpu) = (begun.elapsed(), cpu_seconds() - cpu);
    thread.join().map_err(|_| "the sender panicked")??;
    if got != total {
        return Err(format!("{got} of {total} bytes came").into());
    }
    let rate = f64::from(gib) / took.max(Duration::from_millis(1)).as_secs_f64();
    let cost = cpu / f64::from(gib.max(1));
    println!("{gib} GiB: {rate:.2} GiB/s, {cost:.2} CPU s/GiB for both ends");
    Ok(())
}
