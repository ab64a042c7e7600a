//! Users who move as many bytes as they can.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout_at},
};

use super::{SINK, SLOT, SOURCE, Seen};

/// One read or write: large enough that system calls cost little beside the bytes.
pub(super) const CHUNK: usize = 256 * 1024;

/// Sends bytes until `end`; who receives them counts them.
pub(super) async fn send(to: SocketAddr, end: Instant) -> io::Result<()> {
    let chunk = vec![0; CHUNK];
    let work = async {
        let mut socket = TcpStream::connect(to).await?;
        socket.write_all(&[SINK]).await?;
        loop {
            socket.write_all(&chunk).await?;
        }
    };
    until(end, work).await
}

/// Receives bytes until `end`.
pub(super) async fn receive(
    from: SocketAddr,
    seen: &mut Seen,
    begun: Instant,
    end: Instant,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    let work = async {
        let mut socket = TcpStream::connect(from).await?;
        socket.write_all(&[SOURCE]).await?;
        loop {
            match socket.read(&mut chunk).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                got => seen.count(got, begun),
            }
        }
    };
    until(end, work).await
}

/// Lets `work`, which ends by itself only with an error, go on until `end`.
async fn until(end: Instant, work: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    match timeout_at(end, work).await {
        Ok(Err(error)) if Instant::now() + SLOT < end => Err(error),
        _ => Ok(()),
    }
}
