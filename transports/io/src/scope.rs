//! Every task has an owner: the one place that spawns.

use std::{
    future::Future,
    panic::{self, AssertUnwindSafe},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::runtime::Handle;
use tokio_util::{
    sync::{CancellationToken, WaitForCancellationFutureOwned},
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};
use tracing::{Instrument, Span};

use crate::trim;

/// A set of tasks that end together, on one runtime thread, under one log span.
///
/// Scopes form a tree: closing one stops its children too and waits for all of them. Stopping
/// happens in two steps: graceful tasks are told first, and whatever still runs after the grace
/// period is dropped at its next await.
#[derive(Clone, Debug)]
pub struct Scope {
    lane: Handle,
    node: Arc<Node>,
    span: Span,
}

#[derive(Debug)]
struct Node {
    stop: CancellationToken,
    kill: CancellationToken,
    tasks: TaskTracker,
    parent: Option<Arc<Self>>,
}

impl Node {
    /// One token for each ancestor, so that closing any of them waits for this task.
    fn register(self: &Arc<Self>) -> Vec<TaskTrackerToken> {
        std::iter::successors(Some(self), |n| n.parent.as_ref())
            .map(|n| n.tasks.token())
            .collect()
    }
}

impl Scope {
    /// The root of a tree, whose tasks run on `lane`.
    #[must_use]
    pub fn root(lane: Handle) -> Self {
        let node = Node {
            stop: CancellationToken::new(),
            kill: CancellationToken::new(),
            tasks: TaskTracker::new(),
            parent: None,
        };
        Self {
            lane,
            node: Arc::new(node),
            span: Span::none(),
        }
    }

    /// A scope inside this one, on the same thread, that logs under `span`.
    #[must_use]
    pub fn child(&self, span: Span) -> Self {
        self.child_on(self.lane.clone(), span)
    }

    /// A scope inside this one whose tasks run on another thread's runtime.
    #[must_use]
    pub fn child_on(&self, lane: Handle, span: Span) -> Self {
        let node = Node {
            stop: self.node.stop.child_token(),
            kill: self.node.kill.child_token(),
            tasks: TaskTracker::new(),
            parent: Some(Arc::clone(&self.node)),
        };
        Self {
            lane,
            node: Arc::new(node),
            span,
        }
    }

    /// The runtime that this scope's tasks run on.
    #[must_use]
    pub const fn lane(&self) -> &Handle {
        &self.lane
    }

    /// The span that this scope's tasks log under.
    #[must_use]
    pub const fn span(&self) -> &Span {
        &self.span
    }

    /// Runs `work` until it ends or the scope stops; then it is dropped at its current await.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.launch(&self.node.stop, Box::pin(work));
    }

    /// Runs `work`, which is handed a token that tells it to stop; it is dropped only when the
    /// grace period of [`close`](Self::close) is over.
    pub fn spawn_graceful<F>(&self, work: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let work = work(self.node.stop.clone());
        self.launch(&self.node.kill, Box::pin(work));
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    fn launch(&self, end: &CancellationToken, work: Work) {
        trim::task_turned();
        let task = Task {
            end: Box::pin(end.clone().cancelled_owned()),
            work: Some(work),
            held: self.node.register(),
        };
        drop(self.lane.spawn(task.instrument(self.span.clone())));
    }

    /// Tells every task to stop and returns at once.
    pub fn stop(&self) {
        self.node.stop.cancel();
    }

    /// Whether the scope, or one around it, was told to stop.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.node.stop.is_cancelled()
    }

    /// Waits until the scope is told to stop.
    ///
    /// *Cancel safety*: safe.
    pub async fn stopped(&self) {
        self.node.stop.cancelled().await;
    }

    /// How many tasks run in this scope and the scopes inside it.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.node.tasks.len()
    }

    /// Stops the tasks, waits up to `grace` for them, drops those that are left, and waits for
    /// that. Answers how many had to be dropped. Must not be called from a task of this scope.
    ///
    /// *Cancel safety*: the tasks are told to stop in any case; without the rest of the future
    /// nobody drops those that do not.
    pub async fn close(&self, grace: Duration) -> usize {
        self.node.stop.cancel();
        self.node.tasks.close();
        if tokio::time::timeout(grace, self.node.tasks.wait())
            .await
            .is_ok()
        {
            return 0;
        }
        let left = self.node.tasks.len();
        self.node.kill.cancel();
        self.node.tasks.wait().await;
        left
    }
}

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A task as the runtime sees it. The work is boxed once, so that its size counts only once.
struct Task {
    end: Pin<Box<WaitForCancellationFutureOwned>>,
    work: Option<Work>,
    held: Vec<TaskTrackerToken>,
}

impl Task {
    /// One poll of the work. A panic ends this task, is logged under its span, and nothing else.
    fn poll_work(work: &mut Work, cx: &mut Context<'_>) -> Poll<()> {
        match panic::catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
            Ok(done) => done,
            Err(cause) => {
                let cause = cause
                    .downcast_ref::<&str>()
                    .copied()
                    .or_else(|| cause.downcast_ref::<String>().map(String::as_str))
                    .unwrap_or("of unknown cause");
                tracing::error!("task panicked: {cause}");
                Poll::Ready(())
            }
        }
    }
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let over = this.end.as_mut().poll(cx).is_ready()
            || this
                .work
                .as_mut()
                .is_none_or(|work| Self::poll_work(work, cx).is_ready());
        if !over {
            return Poll::Pending;
        }
        // The work ends before the scope hears of it.
        this.work = None;
        this.held.clear();
        trim::task_turned();
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests;
