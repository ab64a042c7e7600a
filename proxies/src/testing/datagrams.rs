//! A work connection in memory with datagrams beside it, some of which may be lost.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use culvert_io::{Buffer, ChunkIo, Datagrams, Peer, Stream};
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf},
    sync::mpsc,
};

/// Datagrams that wait in each direction.
const QUEUE: usize = 1000;

/// What the datagrams of some connections have in common.
#[derive(Debug)]
pub(crate) struct Path {
    /// The longest datagram.
    pub(crate) room: usize,
    /// Every so many is lost; 0 for none.
    pub(crate) lose: usize,
    /// Datagrams sent, both ways, also lost ones.
    pub(crate) sent: AtomicUsize,
}

impl Path {
    pub(crate) fn new(room: usize, lose: usize) -> Arc<Self> {
        Arc::new(Self {
            room,
            lose,
            sent: AtomicUsize::new(0),
        })
    }

    /// How many datagrams were sent.
    pub(crate) fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    /// The two ends of a pipe, with datagrams beside it.
    pub(crate) fn beside(
        self: &Arc<Self>,
        (near, far): (DuplexStream, DuplexStream),
        peer: Peer,
    ) -> (Stream, Stream) {
        let (to_far, from_near) = mpsc::channel(QUEUE);
        let (to_near, from_far) = mpsc::channel(QUEUE);
        let end = |io, to, from| {
            let datagrams = Arc::new(End {
                path: Arc::clone(self),
                to,
                from: Mutex::new(from),
            });
            Stream::chunks(Pipe { io, datagrams }, peer)
        };
        (end(near, to_far, from_far), end(far, to_near, from_near))
    }
}

#[derive(Debug)]
struct End {
    path: Arc<Path>,
    to: mpsc::Sender<Bytes>,
    from: Mutex<mpsc::Receiver<Bytes>>,
}

impl Datagrams for End {
    fn max_size(&self) -> usize {
        self.path.room
    }

    fn send(&self, head: &[u8], body: &[u8]) -> bool {
        let datagram = [head, body].concat();
        if datagram.len() > self.path.room {
            return false;
        }
        let number = self.path.sent.fetch_add(1, Ordering::Relaxed) + 1;
        if self.path.lose > 0 && number.is_multiple_of(self.path.lose) {
            return true;
        }
        self.to.try_send(datagram.into()).is_ok()
    }

    fn poll_recv(&self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.from.lock().poll_recv(cx)
    }
}

struct Pipe {
    io: DuplexStream,
    datagrams: Arc<End>,
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// Messages are read and written; nothing is relayed.
impl ChunkIo for Pipe {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
    }

    fn poll_room(&mut self, _: &mut Context<'_>) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
    }

    fn submit(&mut self, _: Buffer, _: usize) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn open_datagrams(&mut self) -> bool {
        true
    }

    fn datagrams(&self) -> Option<Arc<dyn Datagrams>> {
        Some(Arc::clone(&self.datagrams) as _)
    }
}
