//! Counting what passes over one stream, for those who choose its neighbours.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Carrier, ChunkIo, Stream};
use crate::{Buffer, Datagrams};

impl Stream {
    /// The same stream; the bytes that pass over it, both ways together, are added to `moved`,
    /// also when layers are put around it. While the stream lives it holds `moved`.
    ///
    /// Only streams of a session are counted: a bare socket would lose its way through the kernel.
    #[must_use]
    pub fn watched(self, moved: Arc<AtomicU64>) -> Self {
        let carrier = match self.carrier {
            Carrier::Chunks(inner) => Carrier::Chunks(Box::new(Watched { inner, moved })),
            carrier => carrier,
        };
        Self { carrier, ..self }
    }
}

/// A stream whose bytes are counted.
struct Watched {
    inner: Box<dyn ChunkIo>,
    /// A statistic: it orders nothing.
    moved: Arc<AtomicU64>,
}

impl Watched {
    fn count(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.moved.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut *self.inner).poll_read(cx, buf);
        self.count(buf.filled().len().saturating_sub(before));
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut *self.inner).poll_write(cx, buf))?;
        self.count(written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut *self.inner).poll_write_vectored(cx, bufs))?;
        self.count(written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.inner).poll_shutdown(cx)
    }
}

impl ChunkIo for Watched {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        let chunk = ready!(self.inner.poll_chunk(cx))?;
        self.count(chunk.as_ref().map_or(0, Bytes::len));
        Poll::Ready(Ok(chunk))
    }

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.inner.poll_room(cx)
    }

    fn submit(&mut self, buffer: Buffer, len: usize) -> io::Result<()> {
        self.inner.submit(buffer, len)?;
        self.count(len);
        Ok(())
    }

    fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }

    /// What passes beside the stream is not counted.
    fn open_datagrams(&mut self) -> bool {
        self.inner.open_datagrams()
    }

    fn datagrams(&self) -> Option<Arc<dyn Datagrams>> {
        self.inner.datagrams()
    }

    fn close_datagrams(&mut self) {
        self.inner.close_datagrams();
    }
}
