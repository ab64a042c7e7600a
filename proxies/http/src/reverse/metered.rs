//! Counts what goes through a work connection, and the connection itself.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use culvert_io::{Connected, Meter, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A work connection whose bytes are counted.
struct Metered {
    inner: Stream,
    meter: Arc<Meter>,
    _open: Connected,
}

/// Counts what goes through `work`, if there is a meter.
pub(super) fn metered(work: Stream, meter: Option<&Arc<Meter>>) -> Stream {
    let Some(meter) = meter.cloned() else {
        return work;
    };
    work.map(|inner| Metered {
        inner,
        _open: meter.connected(),
        meter,
    })
}

impl Metered {
    fn wrote(&self, n: usize) -> usize {
        self.meter.add_in(u64::try_from(n).unwrap_or(u64::MAX));
        n
    }
}

impl AsyncRead for Metered {
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

impl AsyncWrite for Metered {
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

    use culvert_io::{Meter, Peer, Stream};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::metered;

    #[tokio::test]
    async fn both_ways_are_counted() {
        let meter = Arc::new(Meter::new());
        let (near, mut far) = duplex(64);
        let at = std::net::SocketAddr::from(([192, 0, 2, 7], 80));
        let mut near = metered(Stream::new(near, Peer::new(at, at, "memory")), Some(&meter));
        assert_eq!(meter.connections(), 1);
        near.write_all(b"request").await.unwrap();
        far.write_all(b"answer").await.unwrap();
        near.read_exact(&mut [0; 6]).await.unwrap();
        assert_eq!((meter.bytes_in(), meter.bytes_out()), (7, 6));
        drop(near);
        assert_eq!(meter.connections(), 0);
    }
}
