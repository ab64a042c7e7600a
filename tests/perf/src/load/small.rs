//! Users who ask small things and await the answers.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::{Instant, timeout, timeout_at},
};

use super::{ECHO, PATIENCE, Seen};

const REQUEST: [u8; 64] = [7; 64];

/// Larger than any answer: a read that leaves room tells the runtime that the socket is empty, and
/// saves the system call that would find it out.
const ROOM: usize = 4096;

/// After this long, a datagram is lost.
const LOST: Duration = Duration::from_secs(1);

/// A connection whose service echoes.
pub(super) async fn echoing(to: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpStream::connect(to).await?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// Asks on one connection.
pub(super) async fn requests(to: SocketAddr, seen: &mut Seen, end: Instant) -> io::Result<()> {
    let work = async {
        let mut socket = echoing(to).await?;
        socket.write_all(&[ECHO]).await?;
        let mut answer = vec![0; ROOM];
        while Instant::now() < end {
            let begun = Instant::now();
            socket.write_all(&REQUEST).await?;
            let mut left = REQUEST.len();
            while left > 0 {
                match socket.read(&mut answer).await? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    got => left = left.saturating_sub(got),
                }
            }
            seen.times.push(begun.elapsed());
        }
        Ok(())
    };
    timeout_at(end + PATIENCE, work).await?
}

/// Opens one connection after the other.
pub(super) async fn connects(to: SocketAddr, seen: &mut Seen, end: Instant) {
    while Instant::now() < end {
        let begun = Instant::now();
        match timeout(PATIENCE, connect(to)).await.map_err(Into::into) {
            Ok(Ok(())) => seen.times.push(begun.elapsed()),
            Ok(Err(error)) | Err(error) => seen.fail(&error),
        }
    }
}

async fn connect(to: SocketAddr) -> io::Result<()> {
    let mut socket = echoing(to).await?;
    socket.write_all(&[ECHO, 7]).await?;
    socket.read_exact(&mut [0]).await?;
    // A reset leaves no port waiting, of which there are only so many.
    socket.set_zero_linger()
}

/// Sends one datagram after the other from one port.
pub(super) async fn datagrams(to: SocketAddr, seen: &mut Seen, end: Instant) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    socket.connect(to).await?;
    let mut answer = vec![0; ROOM];
    while Instant::now() < end {
        let begun = Instant::now();
        socket.send(&REQUEST).await?;
        match timeout(LOST, socket.recv(&mut answer)).await {
            Ok(Ok(_)) => seen.times.push(begun.elapsed()),
            Ok(Err(error)) => seen.fail(&error),
            Err(late) => seen.fail(&late.into()),
        }
    }
    Ok(())
}
