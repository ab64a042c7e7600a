//! The asynchronous face of a connection after its handshake.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use culvert_io::{Buffer, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{Decoder, Role, Violation, output::Output};

/// Readers with less room than this get their bytes from a lent buffer, so that a header and a
/// few bytes do not take several reads of the system; all others are read into directly.
const DIRECT: usize = 4096;
/// Close codes (RFC 6455, section 7.4.1).
const NORMAL: u16 = 1000;
const PROTOCOL_ERROR: u16 = 1002;

/// A byte stream in websocket frames.
///
/// Every write is one binary frame, unfragmented; frames of every kind of data are read. Pings are
/// answered while the stream is read, and shutting down sends a close frame. In the client's role
/// a write counts as taken once it is masked: flush before waiting for an answer.
#[derive(Debug)]
pub struct WsStream {
    inner: Stream,
    decoder: Decoder,
    output: Output,
    ahead: Option<Ahead>,
    /// A writer waits for room; readers must not take its place in the queue.
    writer_waits: bool,
}

/// Bytes of the stream that a small read has left over.
#[derive(Debug)]
struct Ahead {
    buffer: Buffer,
    at: usize,
    end: usize,
}

impl WsStream {
    /// Frames over a stream whose handshake is done.
    #[must_use]
    pub fn new(inner: Stream, role: Role) -> Self {
        Self {
            inner,
            decoder: Decoder::new(role),
            output: Output::new(role),
            ahead: None,
            writer_waits: false,
        }
    }

    /// Hands out what is left over; answers whether there was anything.
    fn deliver(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let Some(ahead) = &mut self.ahead else {
            return false;
        };
        let rest = ahead.buffer.payload().get(ahead.at..ahead.end);
        let rest = rest.unwrap_or_default();
        let n = rest.len().min(buf.remaining());
        buf.put_slice(rest.get(..n).unwrap_or_default());
        ahead.at += n;
        if ahead.at >= ahead.end {
            self.ahead = None;
        }
        n > 0
    }

    /// Answers pings, and tells a peer that breaks the rules, as far as that takes no waiting.
    fn answer(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if let Some(ping) = self.decoder.take_ping() {
            self.output.pong(ping);
        }
        if self.decoder.violation().is_some() {
            self.output.close(PROTOCOL_ERROR)?;
        }
        if self.output.has_news()
            && !self.writer_waits
            && let Poll::Ready(drained) = self.output.poll_drain(cx, &mut self.inner)
        {
            drained?;
            if let Poll::Ready(flushed) = Pin::new(&mut self.inner).poll_flush(cx) {
                flushed?;
            }
        }
        Ok(())
    }

    /// Reads once from below; answers how many bytes of the stream that gave, or `None` at the end.
    fn poll_more(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<Option<usize>>> {
        if buf.remaining() >= DIRECT {
            let before = buf.filled().len();
            ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
            let fresh = buf.filled_mut().get_mut(before..).unwrap_or_default();
            if fresh.is_empty() {
                return Poll::Ready(self.ended().map(|()| None));
            }
            let n = self.decoder.decode(fresh);
            buf.set_filled(before + n);
            return Poll::Ready(Ok(Some(n)));
        }
        let mut buffer = Buffer::small();
        let mut room = ReadBuf::new(buffer.payload_mut());
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut room))?;
        let fresh = room.filled_mut();
        if fresh.is_empty() {
            return Poll::Ready(self.ended().map(|()| None));
        }
        let end = self.decoder.decode(fresh);
        if end > 0 {
            self.ahead = Some(Ahead { buffer, at: 0, end });
            self.deliver(buf);
        }
        Poll::Ready(Ok(Some(end)))
    }

    /// The stream below ended. Peers that are killed send no close frame: between two frames that
    /// is an end of file like any other.
    fn ended(&self) -> io::Result<()> {
        if self.decoder.is_between_frames() {
            return Ok(());
        }
        let text = "connection ended inside a websocket frame";
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, text))
    }
}

fn broken(violation: Violation) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, violation)
}

impl AsyncRead for WsStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if buf.remaining() == 0 || this.deliver(buf) {
            return Poll::Ready(Ok(()));
        }
        loop {
            let answered = this.answer(cx);
            if let Some(violation) = this.decoder.violation() {
                return Poll::Ready(Err(broken(violation)));
            }
            // A peer that sends no more may not read any more either.
            if this.decoder.is_closed() {
                return Poll::Ready(Ok(()));
            }
            answered?;
            match ready!(this.poll_more(cx, buf))? {
                Some(0) => {}
                Some(_) => {
                    this.answer(cx)?;
                    return Poll::Ready(Ok(()));
                }
                None => return Poll::Ready(Ok(())),
            }
        }
    }
}

impl AsyncWrite for WsStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.output.is_closed() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if bufs.iter().all(|b| b.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        let written = this.output.poll_data(cx, &mut this.inner, bufs);
        this.writer_waits = written.is_pending();
        written
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let drained = this.output.poll_drain(cx, &mut this.inner);
        this.writer_waits = drained.is_pending();
        ready!(drained)?;
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            let drained = this.output.poll_drain(cx, &mut this.inner);
            this.writer_waits = drained.is_pending();
            ready!(drained)?;
            if this.output.is_closed() {
                return Pin::new(&mut this.inner).poll_shutdown(cx);
            }
            this.output.close(NORMAL)?;
        }
    }
}

#[cfg(test)]
mod tests;
