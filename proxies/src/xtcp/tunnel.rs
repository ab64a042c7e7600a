//! The visitor's way to the other peer: made when it is wanted, kept while it lasts (protocol 6.5).

use std::{collections::VecDeque, sync::Arc, time::Duration};

use culvert_conf::XtcpVisitor as Config;
use culvert_io::Stream;
use culvert_proxy::Question;
use culvert_transport::{BoxSession, report};
use culvert_wire::{Token, msg::NatHoleVisitor};
use parking_lot::Mutex;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, sleep_until},
};

use super::{
    PeerCx,
    peers::{PeerError, Prepared, transaction_id},
};
use crate::visiting::unix_now;

/// How long the server may take for a check (protocol 6.1).
const CHECK: Duration = Duration::from_secs(5);
/// How long it may take to bring us together: it gives the other peer 10 s, and the other a head
/// start of one (protocol 6.1). upstream: pkg/nathole/nathole.go waits 5 s.
const EXCHANGE: Duration = Duration::from_secs(12);
/// Between two attempts (protocol 6.5).
const PAUSE: Duration = Duration::from_secs(10);
/// What the limit on attempts is counted over.
const HOUR: Duration = Duration::from_secs(3600);

/// Which service it leads to, and how it is to be made.
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) proxy_name: String,
    pub(crate) secret: Token,
    pub(crate) protocol: &'static str,
    pub(crate) assisted: bool,
}

/// The tunnel of one visitor.
#[derive(Debug)]
pub(crate) struct Tunnel {
    way: Way,
    peers: PeerCx,
    session: Mutex<Option<BoxSession>>,
    /// Told by whoever wants a tunnel.
    wanted: Notify,
    /// Counts attempts, good or bad.
    attempts: watch::Sender<u64>,
}

impl Tunnel {
    pub(crate) fn new(way: Way, peers: PeerCx) -> Self {
        Self {
            way,
            peers,
            session: Mutex::default(),
            wanted: Notify::new(),
            attempts: watch::Sender::new(0),
        }
    }

    fn current(&self) -> Option<BoxSession> {
        self.session.lock().clone()
    }

    /// A stream to the service; waits for a tunnel if there is none. Give it a deadline.
    ///
    /// *Cancel safety*: a half-open stream is closed.
    pub(crate) async fn open(&self) -> Stream {
        let mut attempts = self.attempts.subscribe();
        loop {
            attempts.mark_unchanged();
            if let Some(session) = self.current() {
                match session.open().await {
                    Ok(stream) => return stream,
                    Err(error) => {
                        tracing::debug!("get tunnel connection error: {}", report(&error));
                        self.forget(&session);
                        continue;
                    }
                }
            }
            self.wanted.notify_one();
            // The tunnel holds the sender.
            let _attempt = attempts.changed().await;
        }
    }

    fn forget(&self, ended: &BoxSession) {
        let mut session = self.session.lock();
        if session.as_ref().is_some_and(|now| Arc::ptr_eq(now, ended)) {
            *session = None;
        }
    }

    /// Makes a tunnel whenever one is wanted, not too often. Runs until it is dropped; streams go
    /// on then.
    pub(crate) async fn make(&self) {
        loop {
            self.wanted.notified().await;
            if self.current().is_some() {
                continue;
            }
            let begun = Instant::now();
            match self.attempt().await {
                Ok(session) => *self.session.lock() = Some(session),
                Err(error) => tracing::warn!("{error}"),
            }
            self.attempts
                .send_modify(|count| *count = count.wrapping_add(1));
            sleep_until(begun + PAUSE).await;
        }
    }

    /// Wants a tunnel all the time, but not more often than configured. Runs until it is dropped.
    ///
    /// upstream: client/visitor/xtcp.go opens a stream every `minRetryInterval` to see whether the
    /// tunnel is alive, which makes the other peer dial its service; ours tells when it ends.
    pub(crate) async fn keep(&self, config: &Config) {
        let mut attempts = self.attempts.subscribe();
        let mut last = VecDeque::new();
        let most = usize::try_from(config.max_retries_an_hour).unwrap_or(usize::MAX);
        loop {
            attempts.mark_unchanged();
            if let Some(session) = self.current() {
                let why = session.closed().await;
                tracing::debug!("tunnel closed: {why}");
                self.forget(&session);
            } else {
                self.wanted.notify_one();
                let _attempt = attempts.changed().await;
                if self.current().is_some() {
                    continue;
                }
            }
            let now = Instant::now();
            last.push_back(now);
            while last.front().is_some_and(|first| *first + HOUR <= now) {
                last.pop_front();
            }
            if last.len() > most
                && let Some(first) = last.pop_front()
            {
                sleep_until(first + HOUR).await;
            }
            sleep(config.min_retry_interval).await;
        }
    }

    async fn attempt(&self) -> Result<BoxSession, PeerError> {
        let Way {
            proxy_name,
            secret,
            protocol,
            assisted,
        } = &self.way;
        let check = NatHoleVisitor {
            transaction_id: transaction_id().map_err(PeerError::Check)?,
            proxy_name: proxy_name.clone(),
            pre_check: true,
            ..NatHoleVisitor::default()
        };
        let checked = self.peers.ask(Question::Visitor(check), CHECK).await;
        checked.map_err(PeerError::Check)?;
        let prepared = self.peers.prepare(*assisted).await?;
        let Prepared {
            socket,
            mapped,
            assisted,
        } = prepared;
        let timestamp = unix_now();
        let ask = NatHoleVisitor {
            transaction_id: transaction_id().map_err(PeerError::Exchange)?,
            proxy_name: proxy_name.clone(),
            pre_check: false,
            protocol: (*protocol).to_owned(),
            sign_key: secret.sign_key(timestamp),
            timestamp,
            mapped_addrs: mapped,
            assisted_addrs: assisted,
        };
        let told = self.peers.ask(Question::Visitor(ask), EXCHANGE).await;
        let told = told.map_err(PeerError::Exchange)?;
        let hole = self.peers.meet(socket, &told, &secret.key()).await?;
        self.peers.tunnel(hole, true).await
    }
}
