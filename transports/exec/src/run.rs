//! One life of a program, from its start to its end.

use std::{net::SocketAddr, pin::pin, process::ExitStatus, time::Duration};

use tokio::{
    process::{Child, ChildStdin, ChildStdout},
    sync::watch,
};
use tokio_util::sync::CancellationToken;

use crate::{
    environment::{Launch, Role},
    lines::{LastLine, Lines, follow, ready},
    supervise::State,
};

/// How long a program may take to end after its standard input was closed (protocol.md): time to
/// say goodbye to its peers, and little beside the five seconds that our programs give
/// connections in flight.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

/// How long to wait for the last words of a program that has ended; only a process that it left
/// behind can hold its standard error open longer.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How long a program that closed its standard output may take to end, before that counts as a
/// fault of its own.
const ENDING: Duration = Duration::from_millis(500);

/// Starts the program and sees it through. Answers why it ended, or `None` after `stop`, when it
/// was us who ended it.
pub(crate) async fn run(
    launch: &Launch,
    role: &Role,
    state: &watch::Sender<State>,
    last: &LastLine,
    stop: &CancellationToken,
) -> Option<String> {
    let (mut child, local) = match launch.start(role) {
        Ok(started) => started,
        Err(err) => return Some(format!("cannot be started: {err}")),
    };
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Some("cannot be started: no pipes to it".to_owned());
    };
    let life = Life {
        launch,
        role,
        state,
        local,
        stdin,
    };
    let mut errors = pin!(follow(stderr, &launch.program, last));
    let mut open = true;
    let end = {
        let mut life = pin!(life.live(&mut child, stdout, stop));
        loop {
            tokio::select! {
                end = &mut life => break end,
                () = &mut errors, if open => open = false,
            }
        }
    };
    if open {
        // Without them the reason is only shorter.
        let _late = tokio::time::timeout(LAST_WORDS, errors).await;
    }
    end.map(|why| last.after(&why))
}

/// What the parts of a life share.
struct Life<'l> {
    launch: &'l Launch,
    role: &'l Role,
    state: &'l watch::Sender<State>,
    local: SocketAddr,
    stdin: ChildStdin,
}

impl Life<'_> {
    async fn live(
        self,
        child: &mut Child,
        stdout: ChildStdout,
        stop: &CancellationToken,
    ) -> Option<String> {
        let patience = self.launch.patience;
        let mut lines = Lines::new(stdout);
        let first = tokio::select! {
            biased;
            () = stop.cancelled() => {
                self.end(child).await;
                return None;
            }
            first = tokio::time::timeout(patience, lines.next()) => first,
        };
        let problem = match first {
            Err(_elapsed) => format!("is not ready within {patience:?}"),
            Ok(None) => match tokio::time::timeout(ENDING, child.wait()).await {
                Ok(Ok(status)) => return Some(ended("ended before it was ready", status)),
                _ => "closed its standard output before it was ready".to_owned(),
            },
            Ok(Some(line)) => match self.understand(&line) {
                Ok(at) => {
                    let pid = child.id().unwrap_or_default();
                    self.state.send_replace(State::Ready { at, pid });
                    return self.serve(child, lines, stop).await;
                }
                Err(problem) => problem,
            },
        };
        self.end(child).await;
        Some(problem)
    }

    /// The address at which the program listens, from its first line.
    fn understand(&self, line: &str) -> Result<SocketAddr, String> {
        match (ready(line)?, self.role) {
            (None, Role::Client { .. }) => Ok(self.local),
            (None, Role::Server { remote, .. }) => Ok(*remote),
            (Some(at), Role::Server { .. }) => Ok(at),
            (Some(_), Role::Client { .. }) => Err(format!("said {line:?} instead of \"ready\"")),
        }
    }

    /// Waits for the end of a program that is ready; what it still says means nothing.
    async fn serve(
        self,
        child: &mut Child,
        mut lines: Lines<ChildStdout>,
        stop: &CancellationToken,
    ) -> Option<String> {
        let mut open = true;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                end = child.wait() => return Some(match end {
                    Ok(status) => ended("ended", status),
                    Err(err) => format!("cannot be waited for: {err}"),
                }),
                said = lines.next(), if open => open = said.is_some(),
            }
        }
        self.end(child).await;
        None
    }

    /// Asks the program to end by closing its standard input, and kills it when it does not.
    async fn end(self, child: &mut Child) {
        drop(self.stdin);
        if tokio::time::timeout(GRACE, child.wait()).await.is_ok() {
            return;
        }
        let name = self.launch.program.display();
        tracing::warn!(
            "transport program {name} did not end within {GRACE:?} after its standard input was \
             closed, killing it"
        );
        if let Err(err) = child.kill().await {
            tracing::error!("transport program {name} cannot be killed: {err}");
        }
    }
}

fn ended(how: &str, status: ExitStatus) -> String {
    format!("{how} ({status})")
}
