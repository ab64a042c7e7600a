//! A stream that counts what comes, to tell a slow answer from none.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use culvert_io::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

struct Counted {
    inner: Stream,
    /// A statistic: it orders nothing.
    received: Arc<AtomicU64>,
}

/// The same stream, whose received bytes are added to `received`.
pub(super) fn counted(stream: Stream, received: &Arc<AtomicU64>) -> Stream {
    let peer = *stream.peer();
    let counted = Counted {
        inner: stream,
        received: Arc::clone(received),
    };
    Stream::new(counted, peer)
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        let came = buf.filled().len().saturating_sub(before);
        let came = u64::try_from(came).unwrap_or(u64::MAX);
        self.received.fetch_add(came, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
