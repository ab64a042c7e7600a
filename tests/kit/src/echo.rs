//! Services that send back what they get, and the clients that ask them.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    time,
};

use crate::{Error, Result, Service, eventually};

/// The largest message of the framed echo; upstream's end-to-end bodies are about 100 bytes, and
/// its largest case sends 50 KB.
const MAX_FRAME: u64 = 1 << 20;

/// A TCP service that returns every byte until the peer closes, then closes.
///
/// # Errors
/// When no port can be bound.
pub async fn tcp_echo() -> Result<Service> {
    Service::tcp(echo).await
}

/// The same on a listener that is open, perhaps in a network of its own.
///
/// # Errors
/// When the system does not let us use it.
pub fn tcp_echo_on(listener: std::net::TcpListener) -> Result<Service> {
    let taken = listener
        .set_nonblocking(true)
        .and_then(|()| TcpListener::from_std(listener));
    Service::tcp_on(taken.map_err(Error::io("use a listener"))?, echo)
}

async fn echo(mut socket: TcpStream) {
    let (mut read, mut write) = socket.split();
    // A peer that breaks off is part of many tests.
    if tokio::io::copy(&mut read, &mut write).await.is_ok() {
        drop(write.shutdown().await);
    }
}

/// A TCP service that returns whole messages: eight bytes of big-endian length, then the body, as
/// upstream's end-to-end suite frames its requests.
///
/// # Errors
/// When no port can be bound.
pub async fn framed_echo() -> Result<Service> {
    Service::tcp(|mut socket| async move {
        while let Ok(body) = read_frame(&mut socket).await {
            if write_frame(&mut socket, &body).await.is_err() {
                break;
            }
        }
    })
    .await
}

/// Sends one framed message and returns the answer.
///
/// # Errors
/// When the connection fails or the answer is no frame.
pub async fn framed_request(to: SocketAddr, body: &[u8]) -> Result<Vec<u8>> {
    let ask = async {
        let mut socket = TcpStream::connect(to).await?;
        write_frame(&mut socket, body).await?;
        read_frame(&mut socket).await
    };
    ask.await
        .map_err(Error::io(format!("framed request to {to}")))
}

async fn read_frame(socket: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let length = socket.read_u64().await?;
    if length > MAX_FRAME {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    let mut body = Vec::new();
    socket.take(length).read_to_end(&mut body).await?;
    if u64::try_from(body.len()) == Ok(length) {
        Ok(body)
    } else {
        Err(std::io::ErrorKind::UnexpectedEof.into())
    }
}

async fn write_frame(socket: &mut TcpStream, body: &[u8]) -> std::io::Result<()> {
    let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
    socket
        .write_all(&[&length.to_be_bytes(), body].concat())
        .await
}

/// A UDP service that returns every datagram to its sender.
///
/// # Errors
/// When no port can be bound.
pub async fn udp_echo() -> Result<Service> {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0");
    udp_echo_on(socket.map_err(Error::io("bind a UDP echo service"))?)
}

/// The same on a socket that was bound elsewhere, such as in another network.
///
/// # Errors
/// When the system does not let us use it.
pub fn udp_echo_on(socket: std::net::UdpSocket) -> Result<Service> {
    let prepared = socket
        .set_nonblocking(true)
        .and_then(|()| UdpSocket::from_std(socket));
    let socket = prepared.map_err(Error::io("use a UDP socket"))?;
    let addr = socket
        .local_addr()
        .map_err(Error::io("read a bound address"))?;
    Ok(Service::around(addr, async move {
        let mut datagram = vec![0; 65_536];
        loop {
            // On some systems a refused answer shows up as an error of the next read.
            if let Ok((len, from)) = socket.recv_from(&mut datagram).await
                && let Some(body) = datagram.get(..len)
            {
                drop(socket.send_to(body, from).await);
            }
        }
    }))
}

/// Sends one datagram and waits for the same bytes to come back, repeating it while `deadline`
/// allows: UDP may lose it, and a tunnel may need a moment for its first work connection.
///
/// # Errors
/// [`Error::Late`] when no equal answer comes.
pub async fn udp_request(to: SocketAddr, body: &[u8], deadline: Duration) -> Result {
    let socket = UdpSocket::bind("127.0.0.1:0")
        .await
        .map_err(Error::io("bind a UDP client"))?;
    socket
        .connect(to)
        .await
        .map_err(Error::io("set a UDP peer"))?;
    let socket = &socket;
    eventually(
        deadline,
        &format!("a UDP echo of {} bytes from {to}", body.len()),
        || async move {
            let mut answer = vec![0; 65_536];
            socket
                .send(body)
                .await
                .map_err(Error::io("send a datagram"))?;
            let len = time::timeout(Duration::from_millis(500), socket.recv(&mut answer))
                .await
                .map_err(|_| Error::wrong("no answer"))?
                .map_err(Error::io("receive a datagram"))?;
            if answer.get(..len) == Some(body) {
                Ok(())
            } else {
                Err(Error::wrong(format!(
                    "an answer of {len} bytes that differs"
                )))
            }
        },
    )
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_and_datagrams_come_back() {
        let framed = framed_echo().await.unwrap();
        assert_eq!(
            framed_request(framed.addr(), b"hello").await.unwrap(),
            b"hello"
        );
        let udp = udp_echo().await.unwrap();
        udp_request(udp.addr(), b"hello", Duration::from_secs(5))
            .await
            .unwrap();
    }
}
