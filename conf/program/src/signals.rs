//! Being asked to stop, or to read the configuration again.

use std::{future::Future, io};

/// [`stop_asked`], or for ever where the system does not let us listen.
///
/// *Cancel safety*: as there.
pub async fn stop_asked_or_never() {
    if let Err(err) = stop_asked().await {
        tracing::error!("cannot listen for signals, end the process by force: {err}");
        std::future::pending::<()>().await;
    }
}

/// Waits until the process is asked to stop: SIGTERM or SIGINT, or Ctrl-C where there are no
/// signals. Each call listens anew, so that a second request can be told from the first.
///
/// *Cancel safety*: safe, but a signal that arrives while nobody waits is not seen.
///
/// # Errors
/// The system does not let us listen for signals.
pub async fn stop_asked() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    }
    #[cfg(not(unix))]
    {
        tokio::signal::ctrl_c().await
    }
}

/// Does `work` at every request to read the configuration again, until dropped: at SIGHUP, which
/// does not end the process any more. Several requests at once count as one. Where there is no such
/// signal none comes.
///
/// *Cancel safety*: as `work`.
pub async fn at_hangups<F: Future<Output = ()>>(work: impl Fn() -> F) {
    let mut hangups = match Hangups::listen() {
        Ok(hangups) => hangups,
        Err(error) => return tracing::error!("cannot listen for SIGHUP: {error}"),
    };
    loop {
        hangups.next().await;
        work().await;
    }
}

struct Hangups {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl Hangups {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        if self.signal.recv().await.is_some() {
            return;
        }
        std::future::pending().await
    }
}
