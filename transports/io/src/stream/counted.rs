//! Counting what passes over one stream as it passes, for those who relay nothing.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Stream;
use crate::{Connected, Meter};

impl Stream {
    /// The same stream, that of a service: `meter` counts it as a connection, what is written to it
    /// as bytes in, and what is read from it as bytes out.
    #[must_use]
    pub fn counted(self, meter: Arc<Meter>) -> Self {
        self.map(|inner| Counted {
            inner,
            _open: meter.connected(),
            meter,
        })
    }
}

/// A stream whose bytes are counted.
struct Counted {
    inner: Stream,
    meter: Arc<Meter>,
    _open: Connected,
}

impl Counted {
    fn wrote(&self, n: usize) -> usize {
        self.meter.add_in(u64::try_from(n).unwrap_or(u64::MAX));
        n
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        let read = buf.filled().len().saturating_sub(before);
        self.meter.add_out(u64::try_from(read).unwrap_or(u64::MAX));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let n = ready!(Pin::new(&mut self.inner).poll_write(cx, buf))?;
        Poll::Ready(Ok(self.wrote(n)))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let n = ready!(Pin::new(&mut self.inner).poll_write_vectored(cx, bufs))?;
        Poll::Ready(Ok(self.wrote(n)))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use crate::{Meter, Peer, Stream};

    #[tokio::test]
    async fn both_ways_are_counted() {
        let meter = Arc::new(Meter::new());
        let (near, mut far) = duplex(64);
        let at = std::net::SocketAddr::from(([192, 0, 2, 7], 80));
        let near = Stream::new(near, Peer::new(at, at, "memory"));
        let mut near = near.counted(Arc::clone(&meter));
        assert_eq!(meter.connections(), 1);
        near.write_all(b"request").await.unwrap();
        far.write_all(b"answer").await.unwrap();
        near.read_exact(&mut [0; 6]).await.unwrap();
        assert_eq!((meter.bytes_in(), meter.bytes_out()), (7, 6));
        drop(near);
        assert_eq!(meter.connections(), 0);
    }
}
