//! Accept loops that never die: what to do when the system cannot give us the next peer.
//!
//! A listener fails for two kinds of reasons. One peer vanished before it was taken: try again at
//! once. Or we are out of descriptors or memory: trying at once would spin, so wait, and say so
//! once for the whole burst.

use std::{io, net::SocketAddr, time::Duration};

use tokio::net::{TcpListener, TcpStream};

use crate::{BoxHandshake, DynListener};

/// The first wait; net/http of Go begins there too.
const SHORTEST: Duration = Duration::from_millis(5);
/// The longest wait; net/http of Go ends there too.
const LONGEST: Duration = Duration::from_secs(1);

/// How long to wait before the next accept, and whether that was said already.
#[derive(Debug)]
pub struct AcceptBackoff {
    what: String,
    wait: Option<Duration>,
}

impl AcceptBackoff {
    /// For the listener that the log calls `what`, such as `tcp proxy listener [name]`.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            wait: None,
        }
    }

    /// Notes a failure; answers how long to wait, if at all.
    pub fn failed(&mut self, err: &io::Error) -> Option<Duration> {
        if is_peers_fault(err) {
            return None;
        }
        if self.wait.is_none() {
            tracing::warn!(
                "{} cannot accept connections for now, will keep trying: {err}",
                self.what
            );
        }
        let wait = self.wait.map_or(SHORTEST, |w| (w * 2).min(LONGEST));
        self.wait = Some(wait);
        Some(wait)
    }

    /// Notes a success; the next failure starts a new burst.
    pub fn succeeded(&mut self) {
        if self.wait.take().is_some() {
            tracing::info!("{} accepts connections again", self.what);
        }
    }

    /// The next peer of a transport's listener, however long it takes.
    ///
    /// *Cancel safety*: safe.
    pub async fn next_link(
        &mut self,
        listener: &mut dyn DynListener,
    ) -> (BoxHandshake, SocketAddr) {
        loop {
            let accepted = listener.accept().await;
            if let Some(got) = self.noted(accepted).await {
                return got;
            }
        }
    }

    /// The next socket of a plain TCP listener, however long it takes.
    ///
    /// *Cancel safety*: safe.
    pub async fn next_socket(&mut self, listener: &TcpListener) -> (TcpStream, SocketAddr) {
        loop {
            let accepted = listener.accept().await;
            if let Some(got) = self.noted(accepted).await {
                return got;
            }
        }
    }

    /// What was accepted; after a failure `None`, once it is time to try again.
    async fn noted<T>(&mut self, accepted: io::Result<T>) -> Option<T> {
        match accepted {
            Ok(got) => {
                self.succeeded();
                Some(got)
            }
            Err(err) => {
                if let Some(wait) = self.failed(&err) {
                    tokio::time::sleep(wait).await;
                }
                None
            }
        }
    }
}

/// The connection was gone before we took it; accept(2) asks to treat these like a retry.
fn is_peers_fault(err: &io::Error) -> bool {
    matches!(
        err.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_one_second_and_start_again() {
        let mut backoff = AcceptBackoff::new("test");
        let err = io::Error::other("too many open files");
        let waits: Vec<_> = (0..10).filter_map(|_| backoff.failed(&err)).collect();
        assert_eq!(waits.first(), Some(&SHORTEST));
        assert_eq!(waits.last(), Some(&LONGEST));
        assert!(waits.is_sorted());
        backoff.succeeded();
        assert_eq!(backoff.failed(&err), Some(SHORTEST));
    }

    #[test]
    fn a_vanished_peer_costs_no_wait() {
        let mut backoff = AcceptBackoff::new("test");
        let err = io::Error::from(io::ErrorKind::ConnectionAborted);
        assert_eq!(backoff.failed(&err), None);
    }
}
