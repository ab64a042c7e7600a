//! A user's end of a tunnel that must go on taking bytes while others wait.
//!
//! russh has one queue for what comes from a client: a user who stops reading stops every other
//! user of the same SSH connection once a window of bytes waits for it. So whoever takes nothing
//! for a while is cut off if there are others; alone, it may take its time.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use culvert_io::Stream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// How long a user may take no bytes while others wait: as long as a connection attempt commonly
/// may take before people give up.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many users an SSH connection has.
#[derive(Clone, Debug, Default)]
pub(super) struct Users(Arc<AtomicUsize>);

impl Users {
    /// One more user, whose bytes come and go on `stream`.
    pub(super) fn join(&self, stream: Stream) -> Impatient {
        self.0.fetch_add(1, Ordering::Relaxed);
        Impatient {
            stream,
            users: self.clone(),
            stuck: None,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// One user's stream.
pub(super) struct Impatient {
    stream: Stream,
    users: Users,
    /// Runs while the user takes nothing.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl Impatient {
    fn judge<T>(
        &mut self,
        polled: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.stuck = None;
            return polled;
        }
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        if stuck.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        if self.users.count() > 1 {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let mut again = Box::pin(sleep(PATIENCE));
        let _pending = again.as_mut().poll(cx);
        self.stuck = Some(again);
        Poll::Pending
    }
}

impl AsyncRead for Impatient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Impatient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.judge(polled, cx)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(cx);
        self.judge(polled, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Drop for Impatient {
    fn drop(&mut self) {
        self.users.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use culvert_io::{Peer, Stream};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
        time::Instant,
    };

    use super::{PATIENCE, Users};

    fn user(users: &Users) -> (super::Impatient, DuplexStream) {
        let (near, far) = duplex(4);
        let addr = ([127, 0, 0, 1], 1).into();
        let stream = Stream::new(near, Peer::new(addr, addr, "memory"));
        (users.join(stream), far)
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_cut_off_while_others_wait() {
        let users = Users::default();
        let (mut slow, _far) = user(&users);
        let (other, _other) = user(&users);
        let begun = Instant::now();
        slow.write_all(b"hello").await.unwrap_err();
        assert_eq!(begun.elapsed(), PATIENCE);
        drop(other);
        assert_eq!(users.count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_alone_may_take_its_time() {
        let users = Users::default();
        let (mut slow, mut far) = user(&users);
        let read = async {
            tokio::time::sleep(10 * PATIENCE).await;
            far.read_exact(&mut [0; 5]).await
        };
        let (wrote, read) = tokio::join!(slow.write_all(b"hello"), read);
        wrote.unwrap();
        read.unwrap();
    }
}
