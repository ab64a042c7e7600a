//! Ends to relay between: a chunk stream in memory, a duplex pipe, and TCP on loopback.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

use crate::{Buffer, ChunkIo, Io, Peer, Stream};

/// Bytes that each in-memory end takes before it is full.
pub(super) const ROOM: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Tcp,
    Chunks,
    Duplex,
}

pub(super) const KINDS: [Kind; 3] = [Kind::Tcp, Kind::Chunks, Kind::Duplex];

pub(super) fn peer() -> Peer {
    let nowhere = "127.0.0.1:1".parse().unwrap();
    Peer::new(nowhere, nowhere, "test")
}

/// The end for the relay, and the far end for the test.
pub(super) async fn pair(kind: Kind) -> (Stream, Box<dyn Io>) {
    match kind {
        Kind::Tcp => {
            let (near, far) = tcp().await;
            (Stream::tcp(near, peer()), Box::new(far))
        }
        Kind::Chunks => {
            let (near, far) = chunks();
            (Stream::chunks(near, peer()), Box::new(far))
        }
        Kind::Duplex => {
            let (near, far) = tokio::io::duplex(ROOM);
            (Stream::new(near, peer()), Box::new(far))
        }
    }
}

pub(super) async fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (near, far) = tokio::join!(listener.accept(), TcpStream::connect(addr));
    let (near, far) = (near.unwrap().0, far.unwrap());
    near.set_nodelay(true).unwrap();
    far.set_nodelay(true).unwrap();
    (near, far)
}

/// One direction of a chunk stream. As with yamux, a reset throws away what was not yet read.
#[derive(Default)]
struct Way {
    queue: Vec<Bytes>,
    bytes: usize,
    finished: usize,
    reset: bool,
    unread: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Way {
    fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()]
            .into_iter()
            .flatten()
        {
            waker.wake();
        }
    }
}

pub(super) struct ChunkEnd {
    inward: Arc<Mutex<Way>>,
    outward: Arc<Mutex<Way>>,
}

pub(super) fn chunks() -> (ChunkEnd, ChunkEnd) {
    let (a, b) = (Arc::default(), Arc::default());
    let near = ChunkEnd {
        inward: Arc::clone(&a),
        outward: Arc::clone(&b),
    };
    let far = ChunkEnd {
        inward: b,
        outward: a,
    };
    (near, far)
}

impl ChunkIo for ChunkEnd {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        let mut way = self.inward.lock();
        if way.reset {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if way.queue.is_empty() {
            if way.finished > 0 {
                return Poll::Ready(Ok(None));
            }
            way.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let chunk = way.queue.remove(0);
        way.bytes -= chunk.len();
        way.wake();
        Poll::Ready(Ok(Some(chunk)))
    }

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut way = self.outward.lock();
        if way.finished > 0 || way.unread {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if way.bytes >= ROOM {
            way.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(ROOM - way.bytes))
    }

    fn submit(&mut self, buffer: Buffer, len: usize) -> io::Result<()> {
        let mut way = self.outward.lock();
        assert!(
            len > 0 && len <= ROOM - way.bytes,
            "{len} breaks the contract"
        );
        let all = Bytes::from_owner(buffer);
        way.queue
            .push(all.slice(Buffer::HEADROOM..Buffer::HEADROOM + len));
        way.bytes += len;
        way.wake();
        Ok(())
    }

    fn is_finished(&self) -> bool {
        let way = self.inward.lock();
        way.finished > 0 || way.reset
    }
}

impl AsyncRead for ChunkEnd {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.poll_chunk(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(e)) => Poll::Ready(Err(e)),
            Poll::Ready(Ok(None)) => Poll::Ready(Ok(())),
            Poll::Ready(Ok(Some(mut chunk))) => {
                buf.put_slice(&chunk.split_to(chunk.len().min(buf.remaining())));
                if !chunk.is_empty() {
                    let mut way = self.inward.lock();
                    way.bytes += chunk.len();
                    way.queue.insert(0, chunk);
                }
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for ChunkEnd {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let room = std::task::ready!(self.poll_room(cx))?;
        let mut buffer = Buffer::small();
        let n = room.min(buf.len()).min(Buffer::SMALL);
        buffer.payload_mut()[..n].copy_from_slice(&buf[..n]);
        self.submit(buffer, n)?;
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut way = self.outward.lock();
        way.finished += 1;
        assert_eq!(way.finished, 1, "a second FIN ends a real peer's session");
        way.wake();
        Poll::Ready(Ok(()))
    }
}

impl Drop for ChunkEnd {
    fn drop(&mut self) {
        let mut out = self.outward.lock();
        if out.finished == 0 {
            out.reset = true;
            out.queue.clear();
        }
        out.wake();
        drop(out);
        let mut inward = self.inward.lock();
        inward.unread = true;
        inward.wake();
    }
}
