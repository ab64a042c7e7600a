//! Closing one end of a relay without losing what was just written to it.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, ReadBuf};

use crate::{Buffer, stream::Carrier};

/// Bytes read and dropped while an end is waited for to close: a well-behaved end sends little
/// after our FIN; one that sends more is cut off, as upstream cuts it off at once.
const DISCARD: usize = 1 << 20;

/// How far one end is closed.
pub(super) struct Closing {
    state: State,
    left: usize,
}

#[derive(PartialEq, Eq)]
enum State {
    Open,
    Finished,
    Gone,
}

impl Closing {
    pub(super) const fn new() -> Self {
        Self {
            state: State::Open,
            left: DISCARD,
        }
    }

    /// Says that no byte follows, exactly once (a second FIN on one yamux stream ends a real
    /// peer's session), then, if `discard`, reads until the end has finished as well.
    ///
    /// Dropping a socket with unread bytes makes the system send a reset and throw away what the
    /// other end has not yet received. Chunk streams are spared that: their session outlives them.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        end: &mut Carrier,
        discard: bool,
    ) -> Poll<()> {
        if self.state == State::Open {
            if end.io().poll_shutdown(cx).is_pending() {
                return Poll::Pending;
            }
            self.state = match end {
                Carrier::Chunks(_) => State::Gone,
                Carrier::Tcp(_) | Carrier::Other(_) => State::Finished,
            };
        }
        if self.state == State::Finished && discard && self.poll_discard(cx, end.io()).is_ready() {
            self.state = State::Gone;
        }
        if self.state == State::Gone {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn poll_discard(
        &mut self,
        cx: &mut Context<'_>,
        mut end: Pin<&mut (impl AsyncRead + ?Sized)>,
    ) -> Poll<()> {
        let mut buffer = Buffer::small();
        while self.left > 0 {
            let mut buf = ReadBuf::new(buffer.payload_mut());
            match end.as_mut().poll_read(cx, &mut buf) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {
                    self.left = self.left.saturating_sub(buf.filled().len());
                }
                Poll::Ready(Ok(()) | Err(_)) => break,
            }
        }
        Poll::Ready(())
    }
}
