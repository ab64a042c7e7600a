//! The sending half of a stream: bytes go to quinn at once, what it does not take waits here.

use std::{
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::Bytes;
use culvert_io::Buffer;
use parking_lot::Mutex;
use quinn::{SendStream, VarInt};
use tokio::time::timeout;

use crate::{error, session::Shared};

/// Below this, bytes are copied and the lent buffer is given back: quinn keeps what it was given
/// until the peer has acknowledged it. Measured: above, handing over is cheaper than copying.
const COPY_BELOW: usize = 8 * 1024;

/// Bytes that may wait on all streams of a session, before its streams take only small pieces:
/// as much as sixteen streams submit in one piece.
const WAITING: usize = 4 << 20;

/// The small piece; thousands of streams may each have one waiting.
const PIECE: usize = 4 * 1024;

/// How long a closed stream's last bytes may wait for the peer, once to twice: the time that yamux,
/// under upstream, gives a stream for this (`StreamCloseTimeout`).
const STALLED: Duration = Duration::from_secs(300);

/// The sending half of a stream.
#[derive(Clone)]
pub(crate) struct Outgoing {
    half: Arc<Mutex<Half>>,
}

struct Half {
    stream: SendStream,
    /// What was submitted and not yet taken.
    rest: Bytes,
    /// Whether a task is at work on the rest.
    flushing: bool,
    finished: bool,
    abandoned: bool,
    failed: Option<io::ErrorKind>,
    /// Who waits until the rest is gone.
    waiter: Option<Waker>,
}

impl Outgoing {
    pub(crate) fn new(stream: SendStream) -> Self {
        let half = Half {
            stream,
            rest: Bytes::new(),
            flushing: false,
            finished: false,
            abandoned: false,
            failed: None,
            waiter: None,
        };
        Self {
            half: Arc::new(Mutex::new(half)),
        }
    }

    /// How much [`submit`](Self::submit) takes now.
    pub(crate) fn poll_room(&self, cx: &Context<'_>, shared: &Shared) -> Poll<io::Result<usize>> {
        ready!(self.half.lock().poll_free(cx))?;
        let most = if shared.waiting() < WAITING {
            Buffer::LARGE
        } else {
            PIECE
        };
        Poll::Ready(Ok(most))
    }

    /// Sends the first `len` bytes of the payload. What quinn does not take now is sent by a task.
    pub(crate) fn submit(
        &self,
        buffer: Buffer,
        len: usize,
        shared: &Arc<Shared>,
    ) -> io::Result<()> {
        let bytes = payload(buffer, len)?;
        let mut half = self.half.lock();
        half.check()?;
        if half.flushing {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        half.rest = bytes;
        // The task registers itself, should it be needed.
        let mut cx = Context::from_waker(Waker::noop());
        if half.poll_rest(&mut cx).is_pending() {
            half.flushing = true;
            let left = half.rest.len();
            drop(half);
            shared.spawn(flush(self.clone(), shared.wait_with(left)));
            return Ok(());
        }
        half.check()
    }

    pub(crate) fn poll_write(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let mut half = self.half.lock();
        ready!(half.poll_free(cx))?;
        let written = ready!(Pin::new(&mut half.stream).poll_write(cx, buf));
        Poll::Ready(written.map_err(|err| half.fail(err)))
    }

    /// Ends our direction, after what still waits.
    pub(crate) fn finish(&self) {
        let mut half = self.half.lock();
        half.finished = true;
        if !half.flushing {
            half.end();
        }
    }

    /// Says that nobody writes to the stream any more.
    pub(crate) fn abandon(&self) {
        self.half.lock().abandoned = true;
    }

    /// Works on the rest until quinn has taken it all.
    fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut half = self.half.lock();
        ready!(half.poll_rest(cx));
        half.flushing = false;
        if half.finished {
            half.end();
        }
        let waiter = half.waiter.take();
        drop(half);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
        Poll::Ready(())
    }
}

/// The task that sends a rest. `waiting` counts it and keeps the session.
async fn flush<T>(outgoing: Outgoing, waiting: T) {
    while timeout(STALLED, poll_fn(|cx| outgoing.poll_flush(cx)))
        .await
        .is_err()
    {
        let mut half = outgoing.half.lock();
        if half.abandoned {
            // Reset already, or the session is over: there is nothing left to end.
            let _ended = half.stream.reset(VarInt::from_u32(0));
            break;
        }
    }
    // The stream ends before the session may.
    drop(outgoing);
    drop(waiting);
}

impl Half {
    fn check(&self) -> io::Result<()> {
        match self.failed {
            Some(kind) => Err(kind.into()),
            None if self.finished => Err(io::ErrorKind::BrokenPipe.into()),
            None => Ok(()),
        }
    }

    /// Ready once nothing waits.
    fn poll_free(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        if self.flushing {
            self.waiter = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(self.check())
    }

    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.rest.is_empty() {
            let chunk = std::slice::from_mut(&mut self.rest);
            let written = ready!(pin!(self.stream.write_chunks(chunk)).poll(cx));
            if let Err(err) = written {
                self.fail(err);
                self.rest = Bytes::new();
            }
        }
        Poll::Ready(())
    }

    fn fail(&mut self, err: quinn::WriteError) -> io::Error {
        let err = error::write(err);
        self.failed = Some(err.kind());
        err
    }

    fn end(&mut self) {
        // Finished, reset or stopped already: there is nothing left to end.
        let _ended = self.stream.finish();
    }
}

/// The payload of a buffer, without a copy where that does not hold memory for nothing.
fn payload(buffer: Buffer, len: usize) -> io::Result<Bytes> {
    let bytes = buffer
        .payload()
        .get(..len)
        .ok_or(io::ErrorKind::InvalidInput)?;
    if len < COPY_BELOW || len < buffer.payload().len() / 4 {
        return Ok(Bytes::copy_from_slice(bytes));
    }
    let to = Buffer::HEADROOM + len;
    Ok(Bytes::from_owner(buffer).slice(Buffer::HEADROOM..to))
}
