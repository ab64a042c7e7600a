//! Several ways to the server at once: the first over which an frps answers a login wins.
//!
//! A way starts a moment after the one before, or at once when that one failed (RFC 8305). Being
//! connected proves nothing: firewalls, portals and proxies connect as well. But of several logins
//! with the run id of an older session each takes the place of the one before, so they do not leave
//! at once either: a link that is up waits while the login over another one may still be answered.

use std::{collections::VecDeque, future::poll_fn, task::Poll, time::Duration};

use culvert_transport::{BoxFuture, TransportError};
use tokio::time::Instant;

use crate::session::LoginError;

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// For a link, before the next way is tried as well.
    pub(super) head_start: Duration,
    /// For the answer to a login, before one leaves over another link.
    pub(super) patience: Duration,
}

/// Who won, and what became of the others.
#[derive(Debug)]
pub(super) struct Outcome<P, T> {
    /// The way that won, its link, and what proved it.
    pub(super) won: Option<(usize, P, T)>,
    /// Ways that failed, in the order in which they did.
    pub(super) faults: Vec<(usize, LoginError)>,
    /// Ways that were begun and neither won nor failed.
    pub(super) open: Vec<usize>,
    /// Links of the others, for the caller to close.
    pub(super) losers: Vec<P>,
}

/// What one way is about to do.
enum Step<P, T> {
    Dialled(usize, Result<P, TransportError>),
    Proved(usize, Result<T, LoginError>),
}

/// Tries the ways in this order. Ends early when a server refuses a login: that is its answer, and
/// it is the same on every way.
///
/// *Cancel safety*: links that are up are dropped, not closed.
pub(super) async fn race<'a, P, T>(
    order: Vec<usize>,
    timing: Timing,
    dial: impl Fn(usize) -> BoxFuture<'a, Result<P, TransportError>>,
    prove: impl Fn(P) -> BoxFuture<'a, Result<T, LoginError>>,
) -> Outcome<P, T>
where
    P: Clone + Send + 'a,
    T: Send + 'a,
{
    let mut race = Racing {
        running: Vec::new(),
        open: Vec::new(),
        ready: VecDeque::new(),
        proving: Vec::new(),
        faults: Vec::new(),
        losers: Vec::new(),
    };
    let mut rest = order.into_iter();
    let (mut next_dial, mut next_proof) = (Instant::now(), Instant::now());
    loop {
        let now = Instant::now();
        if !race.ready.is_empty() && (race.proving.is_empty() || now >= next_proof) {
            race.prove_next(&prove);
            next_proof = now + timing.patience;
        }
        if (race.running.is_empty() || now >= next_dial)
            && let Some(index) = rest.next()
        {
            race.open.push(index);
            let dialled = dial(index);
            race.running
                .push(Box::pin(async move { Step::Dialled(index, dialled.await) }));
            next_dial = now + timing.head_start;
        }
        if race.running.is_empty() {
            return race.over(None);
        }
        let deadline = match (rest.len(), race.ready.is_empty()) {
            (0, true) => None,
            (0, false) => Some(next_proof),
            (_, true) => Some(next_dial),
            (_, false) => Some(next_dial.min(next_proof)),
        };
        tokio::select! {
            step = next(&mut race.running) => match race.take(step) {
                Taken::Won(index, proof) => return race.over(Some((index, proof))),
                Taken::Refused => return race.over(None),
                Taken::Failed => next_dial = Instant::now(),
                Taken::Up => {}
            },
            () = until(deadline) => {}
        }
    }
}

struct Racing<'a, P, T> {
    running: Vec<BoxFuture<'a, Step<P, T>>>,
    /// Begun, and not failed.
    open: Vec<usize>,
    /// Up, waiting for their turn to log in.
    ready: VecDeque<(usize, P)>,
    /// Logging in.
    proving: Vec<(usize, P)>,
    faults: Vec<(usize, LoginError)>,
    losers: Vec<P>,
}

/// What a step meant.
enum Taken<T> {
    Up,
    Failed,
    Refused,
    Won(usize, T),
}

impl<'a, P: Clone + Send + 'a, T: Send + 'a> Racing<'a, P, T> {
    fn prove_next(&mut self, prove: &impl Fn(P) -> BoxFuture<'a, Result<T, LoginError>>) {
        let Some((index, link)) = self.ready.pop_front() else {
            return;
        };
        let proved = prove(link.clone());
        self.proving.push((index, link));
        self.running
            .push(Box::pin(async move { Step::Proved(index, proved.await) }));
    }

    fn take(&mut self, step: Step<P, T>) -> Taken<T> {
        match step {
            Step::Dialled(index, Ok(link)) => {
                self.ready.push_back((index, link));
                Taken::Up
            }
            Step::Dialled(index, Err(err)) => {
                self.fault(index, err.into());
                Taken::Failed
            }
            Step::Proved(index, Ok(proof)) => Taken::Won(index, proof),
            Step::Proved(index, Err(err)) => {
                let refused = matches!(err, LoginError::Refused(_));
                self.fault(index, err);
                if refused {
                    return Taken::Refused;
                }
                Taken::Failed
            }
        }
    }

    fn fault(&mut self, index: usize, err: LoginError) {
        self.open.retain(|open| *open != index);
        if let Some(at) = self.proving.iter().position(|(one, _)| *one == index) {
            self.losers.push(self.proving.swap_remove(at).1);
        }
        self.faults.push((index, err));
    }

    fn over(mut self, mut won: Option<(usize, T)>) -> Outcome<P, T> {
        let mut outcome = Outcome {
            won: None,
            faults: std::mem::take(&mut self.faults),
            open: std::mem::take(&mut self.open),
            losers: std::mem::take(&mut self.losers),
        };
        for (index, link) in self.proving.drain(..).chain(self.ready.drain(..)) {
            match won.take() {
                Some((winner, proof)) if winner == index => {
                    outcome.won = Some((index, link, proof));
                }
                other => {
                    won = other;
                    outcome.losers.push(link);
                }
            }
        }
        if let Some((winner, _, _)) = &outcome.won {
            outcome.open.retain(|open| open != winner);
        }
        outcome
    }
}

/// The next of these to be done. There are a handful.
async fn next<S>(running: &mut Vec<BoxFuture<'_, S>>) -> S {
    poll_fn(|cx| {
        for at in 0..running.len() {
            let Some(one) = running.get_mut(at) else {
                break;
            };
            if let Poll::Ready(step) = one.as_mut().poll(cx) {
                drop(running.swap_remove(at));
                return Poll::Ready(step);
            }
        }
        Poll::Pending
    })
    .await
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
