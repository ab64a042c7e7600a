//! Answers that go on: what a page is told each second, as server-sent events (WHATWG HTML 9.2).

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use culvert_wire::go_json;
use http::StatusCode;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Interval, MissedTickBehavior, interval},
};

use super::Answer;

/// How often a page is told: what a person can follow.
const EVERY: Duration = Duration::from_secs(1);
/// A figure this young is told again instead of being made anew.
const FRESH: Duration = Duration::from_millis(900);
/// Pages that may listen at a time. Each costs a connection of the web server, which has 256; a
/// browser opens one for each page that it shows.
const LISTENERS: usize = 32;

/// Makes one event; it is told how long ago the last one was made.
type Make = Box<dyn FnMut(Duration) -> Bytes + Send>;

/// A figure that changes all the time, made at most once a second for all who listen.
pub struct Feed {
    seats: Arc<Semaphore>,
    made: Mutex<Made>,
}

struct Made {
    make: Make,
    last: Option<(Instant, Bytes)>,
}

impl Feed {
    /// Tells what `make` returns, which is told how long ago it was asked last.
    #[must_use]
    pub fn new<T: Serialize>(mut make: impl FnMut(Duration) -> T + Send + 'static) -> Self {
        let make = move |since| {
            let value = make(since);
            // `go_json` ends in one line break and holds no other.
            let json = go_json(&value).unwrap_or_else(|_shape| b"null\n".to_vec());
            [b"data: ", &*json, b"\n"].concat().into()
        };
        Self {
            seats: Arc::new(Semaphore::new(LISTENERS)),
            made: Mutex::new(Made {
                make: Box::new(make),
                last: None,
            }),
        }
    }

    /// The answer to one who wants to listen: an event now and one each second; 503 when too many
    /// listen already.
    #[must_use]
    pub fn answer(self: &Arc<Self>) -> Answer {
        match Arc::clone(&self.seats).try_acquire_owned() {
            Ok(seat) => Answer::events(Events::new(Arc::clone(self), seat)),
            Err(_) => Answer::text(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many pages listen already",
            ),
        }
    }

    fn event(&self) -> Bytes {
        let mut made = self.made.lock();
        let now = Instant::now();
        let since = match &made.last {
            Some((at, event)) if now < *at + FRESH => return event.clone(),
            Some((at, _)) => now.duration_since(*at),
            None => Duration::ZERO,
        };
        let event = (made.make)(since);
        made.last = Some((now, event.clone()));
        event
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").finish_non_exhaustive()
    }
}

/// What one page is told; its connection asks for the next event only when the last one has left,
/// so that a page that does not read misses events and costs nothing.
#[derive(Debug)]
pub(super) struct Events {
    feed: Arc<Feed>,
    tick: Interval,
    _seat: OwnedSemaphorePermit,
}

impl Events {
    fn new(feed: Arc<Feed>, seat: OwnedSemaphorePermit) -> Self {
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            feed,
            tick,
            _seat: seat,
        }
    }

    pub(super) fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Bytes> {
        ready!(self.tick.poll_tick(cx));
        Poll::Ready(self.feed.event())
    }
}
