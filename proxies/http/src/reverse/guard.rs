//! The user's side of the reverse proxy as hyper reads it: strict, and in time.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::{Buf, Bytes, BytesMut};
use culvert_io::Stream;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};

use super::{
    stall::Stall,
    strict::{Scanner, Verdict},
};

/// How long a request's head may take from its first byte (upstream pkg/util/vhost/http.go sets
/// Go's `ReadHeaderTimeout` to 60 s).
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// Given to hyper in place of what was refused: no parser takes it, so hyper answers 400.
const POISON: &[u8] = b"\0\r\n\r\n";

/// How many bytes are held while it is unknown whether the connection leaves HTTP.
const MAX_HELD: usize = 16 * 1024;

/// What the two ends of one connection tell each other: the guard that reads it and the handler
/// of its requests.
#[derive(Debug, Default)]
pub(super) struct Ties {
    refused: AtomicBool,
    switch: Mutex<Switch>,
}

#[derive(Debug, Default)]
struct Switch {
    left: Option<bool>,
    waker: Option<Waker>,
}

impl Ties {
    /// Whether the bytes of the connection were refused.
    pub(super) fn refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// Says whether the connection leaves HTTP, after a request that asked for it was answered.
    pub(super) fn settle(&self, left: bool) {
        let waker = {
            let mut switch = self.switch.lock();
            switch.left = Some(left);
            switch.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll_left(&self, cx: &Context<'_>) -> Poll<bool> {
        let mut switch = self.switch.lock();
        match switch.left.take() {
            Some(left) => Poll::Ready(left),
            None => {
                switch.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// A user's stream that gives hyper only what [`Scanner`] passes.
#[derive(Debug)]
pub(super) struct Guard {
    io: Stream,
    scanner: Scanner,
    ties: Arc<Ties>,
    /// Read, but behind a request that asks to leave HTTP.
    held: BytesMut,
    /// What is left of the poison, once bytes were refused.
    poison: Option<&'static [u8]>,
    /// Runs while a head is incomplete, with the number of heads before it.
    deadline: Option<(u64, Pin<Box<Sleep>>)>,
    /// Watches that the user takes the answers.
    answer: Stall,
}

impl Guard {
    pub(super) fn new(io: Stream, ties: Arc<Ties>) -> Self {
        let scanner = Scanner::new();
        Self {
            io,
            scanner,
            ties,
            held: BytesMut::new(),
            poison: None,
            deadline: None,
            answer: Stall::default(),
        }
    }

    /// The stream underneath, after HTTP was left; `read` is what hyper had read beyond.
    pub(super) fn into_stream(self, read: Bytes) -> Stream {
        self.io.rewind(self.held.freeze()).rewind(read)
    }

    /// Scans what was just read into `buf` behind `start`, and takes back what may not be read.
    fn check(&mut self, buf: &mut ReadBuf<'_>, start: usize) {
        let new = buf.filled().get(start..).unwrap_or_default();
        match self.scanner.scan(new) {
            Verdict::Pass => {}
            Verdict::Wait(at) => {
                self.held
                    .extend_from_slice(new.get(at..).unwrap_or_default());
                buf.set_filled(start + at);
            }
            Verdict::Refuse(at) => {
                buf.set_filled(start + at);
                self.held.clear();
                self.refuse(buf);
            }
        }
    }

    fn refuse(&mut self, buf: &mut ReadBuf<'_>) {
        self.ties.refused.store(true, Ordering::Relaxed);
        self.poison = Some(POISON);
        self.give_poison(buf);
    }

    fn give_poison(&mut self, buf: &mut ReadBuf<'_>) {
        let Some(left) = self.poison else { return };
        let n = left.len().min(buf.remaining());
        let (now, later) = left.split_at_checked(n).unwrap_or_default();
        buf.put_slice(now);
        self.poison = Some(later);
    }

    /// Reads while it is unknown what the next bytes are: only the end of the stream is told.
    fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.held.len() < MAX_HELD {
            let mut chunk = [0; 1024];
            let mut read = ReadBuf::new(&mut chunk);
            match Pin::new(&mut self.io).poll_read(cx, &mut read) {
                Poll::Ready(Ok(())) if !read.filled().is_empty() => {
                    self.held.extend_from_slice(read.filled());
                }
                other => return other,
            }
        }
        Poll::Pending
    }

    /// Whether a head has been incomplete for too long.
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.scanner.in_head() {
            self.deadline = None;
            return false;
        }
        let heads = self.scanner.heads();
        self.deadline.take_if(|(before, _)| *before != heads);
        let start = || (heads, Box::pin(tokio::time::sleep(HEAD_TIMEOUT)));
        let (_, sleep) = self.deadline.get_or_insert_with(start);
        sleep.as_mut().poll(cx).is_ready()
    }
}

impl AsyncRead for Guard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.poison.is_some() {
            this.give_poison(buf);
            return Poll::Ready(Ok(()));
        }
        if this.scanner.waits() {
            match this.ties.poll_left(cx) {
                Poll::Ready(left) => this.scanner.settle(left),
                Poll::Pending => return this.poll_held(cx),
            }
        }
        let start = buf.filled().len();
        if !this.held.is_empty() {
            let n = this.held.len().min(buf.remaining());
            buf.put_slice(&this.held.copy_to_bytes(n));
            let behind = std::mem::take(&mut this.held);
            this.check(buf, start);
            this.held.extend_from_slice(&behind);
            return Poll::Ready(Ok(()));
        }
        match Pin::new(&mut this.io).poll_read(cx, buf) {
            Poll::Pending if this.is_late(cx) => Poll::Ready(Ok(())),
            Poll::Ready(Ok(())) if buf.filled().len() > start => {
                this.check(buf, start);
                Poll::Ready(Ok(()))
            }
            other => other,
        }
    }
}

impl AsyncWrite for Guard {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(cx, buf);
        self.answer.watch(cx, polled)?
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.answer.watch(cx, polled)?
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
