//! The asynchronous face of an established connection.

use std::{
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use culvert_io::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    TlsError,
    engine::{Engine, Opened},
    role::Role,
};

/// A connection after its handshake.
pub(crate) struct TlsStream<R> {
    inner: Stream,
    engine: Engine<R>,
}

impl<R: Role> TlsStream<R> {
    pub(crate) const fn new(inner: Stream, engine: Engine<R>) -> Self {
        Self { inner, engine }
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.engine.output.poll_drain(cx, &mut self.inner)
    }

    fn poll_open(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let had_output = !self.engine.output.is_empty();
            match self.engine.open(buf) {
                Ok(Opened::Some | Opened::End) => return Poll::Ready(Ok(())),
                Ok(Opened::NeedInput) => {}
                Err(err) => {
                    // The peer is told why, unless a writer is in the middle of something.
                    if !had_output {
                        let _told = self.poll_drain(cx);
                    }
                    return Poll::Ready(Err(broken(err)));
                }
            }
            if ready!(self.engine.input.poll_fill(cx, &mut self.inner))? == 0 {
                return Poll::Ready(self.ended());
            }
        }
    }

    /// The stream below ended. Peers that are killed send no closing alert: between two records
    /// that is an end of file like any other (protocol 11.3, T7).
    fn ended(&self) -> io::Result<()> {
        if self.engine.input.is_empty() {
            Ok(())
        } else {
            Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "connection ended inside a tls record",
            ))
        }
    }
}

fn broken(err: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, TlsError::from_rustls(err))
}

impl<R: Role> AsyncRead for TlsStream<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let result = self.poll_open(cx, buf);
        if self.engine.input.is_empty() {
            self.engine.input.rest();
        }
        result
    }
}

impl<R: Role> AsyncWrite for TlsStream<R> {
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
        if self.engine.is_closing() || self.engine.has_failed() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if bufs.iter().all(|b| b.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        ready!(self.poll_drain(cx))?;
        let n = self.engine.seal(bufs).map_err(broken)?;
        match self.poll_drain(cx) {
            Poll::Ready(Err(err)) => Poll::Ready(Err(err)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(n)),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        if !self.engine.is_closing() && !self.engine.has_failed() {
            self.engine.close().map_err(broken)?;
            ready!(self.poll_drain(cx))?;
        }
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl<R> fmt::Debug for TlsStream<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
