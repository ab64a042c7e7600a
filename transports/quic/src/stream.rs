//! One stream of a session, as something to read and write.

use std::{
    collections::VecDeque,
    fmt,
    future::Future,
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use culvert_io::{Buffer, ChunkIo, Datagrams};
use quinn::{RecvStream, SendStream, VarInt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    error,
    flow::Flow,
    outgoing::Outgoing,
    session::{Seat, Shared},
};

/// Chunks that are taken from quinn at once; each is the part of one packet. Measured.
const CHUNKS: usize = 32;

/// A stream of a session.
///
/// Dropping it closes it fully, as upstream does (protocol 2.5): what was written is sent, then
/// FIN; the peer is asked to stop (STOP_SENDING with code 0) unless it has finished.
pub struct QuicStream {
    recv: RecvStream,
    /// Chunks taken from quinn and not yet handed on; without memory while there are none.
    ready: VecDeque<Bytes>,
    outgoing: Outgoing,
    /// The datagrams beside the stream, if there are any.
    flow: Option<Arc<Flow>>,
    /// A place among the streams that the peer has opened.
    _seat: Option<Seat>,
    // Dropped last: the session may end with it.
    shared: Arc<Shared>,
}

impl QuicStream {
    pub(crate) fn new(
        send: SendStream,
        recv: RecvStream,
        seat: Option<Seat>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            recv,
            ready: VecDeque::new(),
            outgoing: Outgoing::new(send),
            flow: None,
            _seat: seat,
            shared,
        }
    }

    /// Hands the chunk at the front on.
    fn take(&mut self) -> Option<Bytes> {
        let chunk = self.ready.pop_front()?;
        if self.ready.is_empty() {
            self.ready = VecDeque::new();
        }
        Some(chunk)
    }
}

impl AsyncRead for QuicStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let Some(front) = self.ready.front_mut() else {
            return self.recv.poll_read_buf(cx, buf).map_err(error::read);
        };
        let n = front.len().min(buf.remaining());
        buf.put_slice(front.get(..n).unwrap_or_default());
        front.advance(n);
        if front.is_empty() {
            self.take();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for QuicStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.outgoing.poll_write(cx, buf)
    }

    /// Ready at once: what is written is sent without another call.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outgoing.finish();
        Poll::Ready(Ok(()))
    }
}

impl ChunkIo for QuicStream {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        if let Some(chunk) = self.take() {
            return Poll::Ready(Ok(Some(chunk)));
        }
        let mut chunks = [const { Bytes::new() }; CHUNKS];
        let taken = ready!(pin!(self.recv.read_chunks(&mut chunks)).poll(cx));
        let Some(count) = taken.map_err(error::read)? else {
            return Poll::Ready(Ok(None));
        };
        let mut chunks = chunks.into_iter().take(count);
        let first = chunks.next();
        if count > 1 {
            self.ready.extend(chunks);
        }
        Poll::Ready(Ok(Some(first.unwrap_or_default())))
    }

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.outgoing.poll_room(cx, &self.shared)
    }

    fn submit(&mut self, buffer: Buffer, len: usize) -> io::Result<()> {
        self.outgoing.submit(buffer, len, &self.shared)
    }

    /// Known only for the session: quinn tells the end of a stream to its reader.
    fn is_finished(&self) -> bool {
        self.shared.is_over()
    }

    /// Both ends know the stream by its id, and so its datagrams.
    fn open_datagrams(&mut self) -> bool {
        if self.flow.is_none() {
            let id = VarInt::from(self.recv.id());
            self.flow = Flow::open(id, self.shared.conn(), &self.shared.flows).map(Arc::new);
        }
        self.flow.is_some()
    }

    fn datagrams(&self) -> Option<Arc<dyn Datagrams>> {
        let flow = Arc::clone(self.flow.as_ref()?);
        Some(flow)
    }

    fn close_datagrams(&mut self) {
        self.flow = None;
    }
}

impl Drop for QuicStream {
    fn drop(&mut self) {
        self.outgoing.abandon();
    }
}

impl fmt::Debug for QuicStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuicStream")
            .field("id", &self.recv.id())
            .finish_non_exhaustive()
    }
}
