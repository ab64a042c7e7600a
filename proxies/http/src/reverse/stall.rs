//! Finds out that nothing moves any more, at next to no cost while something does.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep};

/// How long a body may stand still on its way in, or an answer on its way out: at least this and
/// at most twice. Upstream waits for ever; what waits on purpose moves within half an hour.
const STALL: Duration = Duration::from_secs(1800);

/// Watches one direction. Its timer is made at the first wait and set again only when it has run
/// out, not at each move.
#[derive(Debug, Default)]
pub(crate) struct Stall {
    timer: Option<Pin<Box<Sleep>>>,
    moved: bool,
}

impl Stall {
    /// Passes on what a poll gave; `Err` when it has been pending for too long.
    pub(super) fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<T>,
    ) -> Result<Poll<T>, Stalled> {
        if polled.is_ready() {
            self.moved = true;
            return Ok(polled);
        }
        let start = || Box::pin(tokio::time::sleep(STALL));
        let timer = self.timer.get_or_insert_with(start);
        while timer.as_mut().poll(cx).is_ready() {
            if !std::mem::take(&mut self.moved) {
                return Err(Stalled);
            }
            timer.as_mut().reset(Instant::now() + STALL);
        }
        Ok(polled)
    }
}

/// Nothing moved for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing moved for half an hour")]
pub(super) struct Stalled;

impl From<Stalled> for std::io::Error {
    fn from(stalled: Stalled) -> Self {
        Self::new(std::io::ErrorKind::TimedOut, stalled)
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, task::Poll, time::Duration};

    use tokio::time::{Instant, sleep};

    use super::{STALL, Stall};

    /// How long it takes until a wait without any move is given up.
    async fn wait(stall: &mut Stall) -> Duration {
        let start = Instant::now();
        poll_fn(|cx| match stall.watch::<()>(cx, Poll::Pending) {
            Ok(_) => Poll::Pending,
            Err(_) => Poll::Ready(()),
        })
        .await;
        start.elapsed()
    }

    async fn moves(stall: &mut Stall) {
        poll_fn(|cx| stall.watch(cx, Poll::Ready(())).unwrap()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_between_once_and_twice_the_time() {
        let mut stall = Stall::default();
        for _ in 0..5 {
            moves(&mut stall).await;
            sleep(STALL * 3).await; // nobody asked meanwhile
        }
        moves(&mut stall).await;
        let took = wait(&mut stall).await;
        assert!(took >= STALL && took <= STALL * 2, "{took:?}");
    }
}
