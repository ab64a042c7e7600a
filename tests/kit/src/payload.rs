//! Bytes to send through a tunnel, and the proof that they came back.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
};

use crate::{Error, Result};

/// An endless stream of bytes that do not compress and that two sides can make from one seed.
///
/// The generator is xorshift64* (Vigna, 2014): fast enough for test loads, not for secrets.
#[derive(Clone, Debug)]
pub struct Payload(u64);

impl Payload {
    /// The stream that belongs to `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self((seed ^ 0x9E37_79B9_7F4A_7C15) | 1) // a state of zero would stay zero
    }

    /// The next `len` bytes.
    pub fn take(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len.next_multiple_of(8));
        while bytes.len() < len {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            bytes.extend(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
        }
        bytes.truncate(len);
        bytes
    }
}

/// A string of `bytes` random bytes in hex, from the system's generator: good for secrets.
///
/// # Errors
/// When the system has no randomness to give.
pub fn random_hex(bytes: usize) -> Result<String> {
    let mut random = vec![0_u8; bytes];
    getrandom::fill(&mut random)
        .map_err(|e| Error::wrong(format!("no randomness from the system: {e}")))?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Connects to an echo service, sends `len` bytes while reading them back, and compares them.
///
/// Only then is the write half closed and the end of the stream awaited: real frp closes both
/// directions as soon as one of them ends. The caller sets the deadline.
///
/// # Errors
/// When the connection fails or what comes back differs.
pub async fn echo_once(to: SocketAddr, seed: u64, len: usize) -> Result {
    let socket = TcpStream::connect(to)
        .await
        .map_err(Error::io(format!("connect to {to}")))?;
    echo_over(socket, seed, len).await
}

/// The same over a connection that is open.
///
/// # Errors
/// When it fails or what comes back differs.
pub async fn echo_over(mut socket: TcpStream, seed: u64, len: usize) -> Result {
    let (read, write) = socket.split();
    let (sent, received) = tokio::join!(send(write, seed, len), receive(read, seed, len));
    received?;
    sent.map_err(Error::io("send the payload"))?;
    let end = async {
        socket.shutdown().await?;
        socket.read(&mut [0; 1]).await
    };
    match end.await.map_err(Error::io("await the end of the echo"))? {
        0 => Ok(()),
        _ => Err(Error::wrong("more came back than was sent")),
    }
}

/// One relay buffer; the size is not critical.
const PIECE: usize = 64 * 1024;

async fn send(mut write: WriteHalf<'_>, seed: u64, len: usize) -> std::io::Result<()> {
    let mut payload = Payload::new(seed);
    for start in (0..len).step_by(PIECE) {
        write
            .write_all(&payload.take(PIECE.min(len - start)))
            .await?;
    }
    Ok(())
}

async fn receive(mut read: ReadHalf<'_>, seed: u64, len: usize) -> Result {
    let mut payload = Payload::new(seed);
    let mut piece = vec![0; PIECE];
    for start in (0..len).step_by(PIECE) {
        piece.truncate(PIECE.min(len - start));
        read.read_exact(&mut piece)
            .await
            .map_err(Error::io(format!(
                "read the echo after {start} of {len} bytes"
            )))?;
        if piece != payload.take(piece.len()) {
            return Err(Error::wrong(format!(
                "the echo differs after {start} bytes"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        let (mut a, mut b) = (Payload::new(7), Payload::new(7));
        assert_eq!([a.take(8), a.take(16)].concat(), b.take(24));
        assert_ne!(a.take(8), Payload::new(8).take(8));
    }

    #[test]
    fn random_hex_has_two_digits_a_byte() {
        assert_eq!(random_hex(16).unwrap().len(), 32);
    }

    #[tokio::test]
    async fn an_echo_service_passes_the_proof() {
        let service = crate::tcp_echo().await.unwrap();
        echo_once(service.addr(), 1, 300_000).await.unwrap();
    }

    #[tokio::test]
    async fn a_service_that_answers_otherwise_does_not() {
        let zeros = crate::Service::tcp(|mut socket| async move {
            drop(socket.write_all(&[0; 100]).await);
        })
        .await
        .unwrap();
        assert!(echo_once(zeros.addr(), 1, 100).await.is_err());
    }
}
