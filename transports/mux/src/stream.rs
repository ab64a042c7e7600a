//! One stream of a session, as something to read and write.

use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use culvert_io::{Buffer, ChunkIo};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use crate::{config::STAGE_BELOW, shared::Shared};

/// A stream of a session. Dropping it finishes it: what was written is sent, then FIN; what it
/// has not read is thrown away.
pub struct MuxStream {
    shared: Arc<Shared>,
    id: u32,
}

impl MuxStream {
    pub(crate) const fn new(shared: Arc<Shared>, id: u32) -> Self {
        Self { shared, id }
    }
}

impl AsyncRead for MuxStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        self.shared
            .with(|inner| inner.core.poll_read(self.id, cx, buf, Instant::now))
    }
}

impl AsyncWrite for MuxStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let id = self.id;
        self.shared.with(|inner| {
            let room = match inner.core.poll_room(id, cx) {
                Poll::Ready(Ok(room)) => room,
                Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
                Poll::Pending => return Poll::Pending,
            };
            let body = buf.get(..room).unwrap_or(buf);
            let len = body.len();
            if len < STAGE_BELOW {
                if inner.core.write(id, body)? {
                    inner.send_now();
                }
                return Poll::Ready(Ok(len));
            }
            let mut buffer = if len > Buffer::SMALL {
                Buffer::large()
            } else {
                Buffer::small()
            };
            let Some(space) = buffer.payload_mut().get_mut(..len) else {
                return Poll::Ready(Err(io::ErrorKind::InvalidInput.into()));
            };
            space.copy_from_slice(body);
            inner.core.submit(id, buffer, len)?;
            inner.send_now();
            Poll::Ready(Ok(len))
        })
    }

    /// Ready at once: what is written is sent without another call.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shared
            .with(|inner| inner.core.finish(self.id, Instant::now()));
        Poll::Ready(Ok(()))
    }
}

impl ChunkIo for MuxStream {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        self.shared
            .with(|inner| inner.core.poll_chunk(self.id, cx, Instant::now))
    }

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.shared.with(|inner| inner.core.poll_room(self.id, cx))
    }

    fn submit(&mut self, buffer: Buffer, len: usize) -> io::Result<()> {
        self.shared.with(|inner| {
            if inner.core.submit(self.id, buffer, len)? {
                inner.send_now();
            }
            Ok(())
        })
    }

    fn is_finished(&self) -> bool {
        self.shared.with(|inner| inner.core.is_finished(self.id))
    }
}

impl Drop for MuxStream {
    fn drop(&mut self) {
        self.shared.with(|inner| {
            inner.core.release(self.id, Instant::now());
            inner.end_if_unused();
        });
    }
}

impl fmt::Debug for MuxStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MuxStream")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
