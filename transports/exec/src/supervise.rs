//! Keeps a program running: starts it again after it ended, with growing waits.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use culvert_io::Scope;
use culvert_transport::{Result, TransportError};
use tokio::{runtime::Handle, sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    environment::{Launch, Role},
    error,
    lines::LastLine,
    run::{GRACE, run},
};

/// The wait after the first end; a program that fell over once is soon back.
const SHORTEST: Duration = Duration::from_millis(500);
/// The longest wait: that of a client between two logins (protocol 3.1).
const LONGEST: Duration = Duration::from_secs(20);
/// A program that ran for so long begins with the shortest wait again.
const STEADY: Duration = Duration::from_secs(60);

/// How far a program is.
#[derive(Clone, Debug)]
pub(crate) enum State {
    /// Started, and not ready yet.
    Starting,
    /// It carries bytes.
    Ready {
        /// Where it listens.
        at: SocketAddr,
        /// Its process id, for tests.
        #[cfg_attr(not(test), expect(dead_code, reason = "read by tests"))]
        pid: u32,
    },
    /// It ended, for this reason, and will be started again.
    Down(String),
}

/// A program that is kept running until this is closed or dropped.
#[derive(Debug)]
pub(crate) struct Supervised {
    program: Arc<PathBuf>,
    scope: Scope,
    state: watch::Receiver<State>,
    last: Arc<LastLine>,
}

impl Supervised {
    /// Starts the program. Must be called on the runtime that is to watch it.
    pub(crate) fn start(launch: Launch, role: Role) -> Self {
        let scope = Scope::root(Handle::current());
        let (sender, state) = watch::channel(State::Starting);
        let last = Arc::new(LastLine::default());
        let program = Arc::clone(&launch.program);
        let said = Arc::clone(&last);
        scope.spawn_graceful(|stop| async move {
            supervise(&launch, &role, &sender, &said, &stop).await;
        });
        Self {
            program,
            scope,
            state,
            last,
        }
    }

    pub(crate) fn program(&self) -> &std::path::Path {
        &self.program
    }

    /// Waits until the program is ready, and answers where it listens. One that ended a moment
    /// ago is an error at once: whoever dials has waits of its own.
    ///
    /// *Cancel safety*: safe.
    pub(crate) async fn ready(&self, patience: Duration) -> Result<SocketAddr> {
        let mut state = self.state.clone();
        let known = state.wait_for(|s| !matches!(s, State::Starting));
        let known = tokio::time::timeout(patience, known).await;
        match known.map(|known| known.map(|state| state.clone())) {
            Ok(Ok(State::Ready { at, .. })) => Ok(at),
            Ok(Ok(State::Down(why))) => Err(error::down(&self.program, &why)),
            Ok(Ok(State::Starting) | Err(_)) => {
                Err(TransportError::Closed("the program was ended".to_owned()))
            }
            Err(_elapsed) => {
                let why = self
                    .last
                    .after(&format!("is not ready within {patience:?}"));
                Err(error::down(&self.program, &why))
            }
        }
    }

    /// Ends the program and waits for it.
    ///
    /// *Cancel safety*: the program is ended in any case.
    pub(crate) async fn close(&self) {
        // Its own grace, and a second for what comes after a kill.
        self.scope.close(GRACE + Duration::from_secs(1)).await;
    }

    #[cfg(test)]
    pub(crate) const fn state(&mut self) -> &mut watch::Receiver<State> {
        &mut self.state
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.scope.stop();
    }
}

async fn supervise(
    launch: &Launch,
    role: &Role,
    state: &watch::Sender<State>,
    last: &LastLine,
    stop: &CancellationToken,
) {
    let name = launch.program.display();
    let mut wait = SHORTEST;
    loop {
        let begun = Instant::now();
        let Some(why) = run(launch, role, state, last, stop).await else {
            return;
        };
        if begun.elapsed() >= STEADY {
            wait = SHORTEST;
        }
        tracing::warn!("transport program {name} {why}; starting it again in {wait:?}");
        state.send_replace(State::Down(why));
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = (wait * 2).min(LONGEST);
        state.send_replace(State::Starting);
    }
}
