//! A stream whose bytes are masked on the way out and unmasked on the way in.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::Key;

/// The most bytes that wait to be written; what is written beyond them has to wait.
const ROOM: usize = 16 * 1024;

/// A mask and how much of it was used.
#[derive(Debug)]
struct Mask {
    key: Key,
    at: usize,
}

impl Mask {
    fn apply(&mut self, bytes: &mut [u8]) {
        let key = self.key.0.as_bytes();
        let mask = key.iter().cycle().skip(self.at);
        for (byte, mask) in bytes.iter_mut().zip(mask) {
            *byte ^= mask;
        }
        self.at = (self.at + bytes.len()) % key.len();
    }
}

/// A masked socket.
#[derive(Debug)]
pub(crate) struct Masked {
    socket: TcpStream,
    inward: Mask,
    outward: Mask,
    /// Masked bytes that the socket has not taken yet.
    waiting: Vec<u8>,
}

impl Masked {
    pub(crate) fn new(socket: TcpStream, key: &Key) -> Self {
        let mask = || Mask {
            key: key.clone(),
            at: 0,
        };
        Self {
            socket,
            inward: mask(),
            outward: mask(),
            waiting: Vec::new(),
        }
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.waiting.is_empty() {
            let n = ready!(Pin::new(&mut self.socket).poll_write(cx, &self.waiting))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.waiting.drain(..n);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Masked {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.socket).poll_read(cx, buf))?;
        if let Some((_, new)) = buf.filled_mut().split_at_mut_checked(before) {
            this.inward.apply(new);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Masked {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_drain(cx))?;
        let (now, _later) = buf.split_at(buf.len().min(ROOM));
        this.waiting.extend_from_slice(now);
        this.outward.apply(&mut this.waiting);
        // They are ours now. A socket that is full or broken says so at the next call.
        match this.poll_drain(cx) {
            Poll::Ready(Err(err)) => Poll::Ready(Err(err)),
            _ => Poll::Ready(Ok(now.len())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_drain(cx))?;
        Pin::new(&mut this.socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_drain(cx))?;
        Pin::new(&mut this.socket).poll_shutdown(cx)
    }
}
