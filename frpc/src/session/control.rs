//! The control stream: requests of the server, our proxies' registration, heartbeats.

use std::{sync::Arc, time::Duration};

use culvert_transport::{Framed, TransportError, report};
use culvert_wire::{
    Message,
    msg::{CloseProxy, Ping},
};
use tokio::{sync::Semaphore, time::Instant};

use super::Session;
use crate::paths::Strand;

/// How long one message may take to be written before the server counts as gone; upstream's mux
/// gives a queued frame as long (protocol 2.3).
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How often proxies are looked at that wait or failed. Upstream looks every 3 s.
const POLL: Duration = Duration::from_secs(1);

/// Work connections that may be on offer at once: a server asks for one for each user that it
/// lets in, and its own queue of such requests ends far below this.
const OFFERS: usize = 4096;

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum End {
    #[error("the server closed the control connection")]
    Closed,
    #[error("heartbeat timeout")]
    Silent,
    #[error("pong message contains error: {0}")]
    Refused(String),
    #[error("the server does not read the control connection")]
    Stalled,
    #[error("{}", report(.0))]
    Failed(#[from] TransportError),
}

/// When the next ping leaves, and when the last pong came.
struct Heart {
    next: Instant,
    heard: Instant,
}

impl Session {
    /// Serves the control stream until it ends.
    ///
    /// *Cancel safety*: safe; call [`close`](Self::close) then.
    pub(crate) async fn run(self: &Arc<Self>, control: &mut Framed) -> End {
        match self.serve(control).await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn serve(
        self: &Arc<Self>,
        control: &mut Framed,
    ) -> Result<std::convert::Infallible, End> {
        let offers = Arc::new(Semaphore::new(OFFERS));
        let now = Instant::now();
        let mut heart = Heart {
            next: now,
            heard: now,
        };
        let mut ping = None;
        let mut poll = tokio::time::interval(POLL);
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.client.proxies.forget_answers();
        self.client.questions.forget();
        self.client.vitals.forget(now);
        loop {
            tokio::select! {
                message = control.next() => match message? {
                    None => return Err(End::Closed),
                    Some(Message::ReqWorkConn(_)) => self.offer(&offers),
                    Some(Message::NewProxyResp(answer)) => self.client.proxies.answered(answer),
                    Some(Message::NatHoleResp(answer)) => self.client.questions.answered(*answer),
                    Some(Message::Pong(pong)) if pong.error.is_empty() => {
                        tracing::debug!("receive heartbeat from server");
                        heart.heard = Instant::now();
                        self.client.vitals.answered(heart.heard);
                    }
                    Some(Message::Pong(pong)) => return Err(End::Refused(pong.error)),
                    // A known message that nobody waits for is ignored, as upstream does.
                    Some(_) => {}
                },
                _ = poll.tick() => self.register(control).await?,
                () = self.client.proxies.changed() => self.register(control).await?,
                strand = self.client.bundle.fresh() => self.offer_over(strand),
                () = self.client.questions.queued() => self.ask(control).await?,
                () = self.next_beat(&heart) => {
                    self.beat(&mut heart)?;
                    ping.get_or_insert_with(|| Box::pin(self.ping()));
                }
                made = done(&mut ping) => {
                    ping = None;
                    if let Some(ping) = made {
                        tracing::debug!("send heartbeat to server");
                        self.client.vitals.asked(Instant::now());
                        send(control, &ping.into()).await?;
                    }
                }
            }
        }
    }

    /// Tells the server which proxies it is to forget and which to publish.
    async fn register(&self, control: &mut Framed) -> Result<(), End> {
        for proxy_name in self.client.proxies.take_withdrawn() {
            send(control, &CloseProxy { proxy_name }.into()).await?;
        }
        for ask in self.client.proxies.due(Instant::now()) {
            send(control, &ask.into()).await?;
        }
        Ok(())
    }

    /// Sends what is asked about meeting other peers.
    async fn ask(&self, control: &mut Framed) -> Result<(), End> {
        while let Some(message) = self.client.questions.next() {
            send(control, &message).await?;
        }
        Ok(())
    }

    /// Waits until a ping is due or the server has been silent for too long.
    async fn next_beat(&self, heart: &Heart) {
        let Some(heartbeat) = self.client.config.transport.heartbeat else {
            return std::future::pending().await;
        };
        let dead = heartbeat.timeout.map(|t| heart.heard + t);
        let next = dead.map_or(heart.next, |dead| dead.min(heart.next));
        tokio::time::sleep_until(next).await;
    }

    /// Plans the next ping, unless the server has been silent for too long.
    fn beat(&self, heart: &mut Heart) -> Result<(), End> {
        let Some(heartbeat) = self.client.config.transport.heartbeat else {
            return Ok(());
        };
        let now = Instant::now();
        if heartbeat.timeout.is_some_and(|t| now >= heart.heard + t) {
            return Err(End::Silent);
        }
        heart.next = now + heartbeat.interval;
        Ok(())
    }

    /// A ping with its proof. Without one it is not sent: it would end the session, while the
    /// next may have one.
    async fn ping(&self) -> Option<Ping> {
        let mut ping = Ping::default();
        if self.client.config.auth.scopes.heartbeats {
            match self.client.auth.prove().await {
                Ok(proof) => (ping.timestamp, ping.privilege_key) = proof,
                Err(err) => {
                    tracing::warn!(
                        "error during ping authentication: {err}, skip sending ping message"
                    );
                    return None;
                }
            }
        }
        Some(ping)
    }

    fn offer(self: &Arc<Self>, offers: &Arc<Semaphore>) {
        let Ok(seat) = Arc::clone(offers).try_acquire_owned() else {
            return tracing::warn!("the server asks for more than {OFFERS} work connections");
        };
        let session = Arc::clone(self);
        self.scope.spawn(async move {
            session.offer_work(None).await;
            drop(seat);
        });
    }

    /// Offers a work connection on a new path unasked: it tells the server whose the path is.
    fn offer_over(self: &Arc<Self>, strand: Arc<Strand>) {
        let session = Arc::clone(self);
        self.scope
            .spawn(async move { session.offer_work(Some(strand)).await });
    }

    /// Takes our proxies back, so that no new users come, while the session goes on.
    pub(crate) async fn withdraw(&self, control: &mut Framed) {
        for proxy_name in self.client.proxies.running() {
            if send(control, &CloseProxy { proxy_name }.into())
                .await
                .is_err()
            {
                return;
            }
        }
    }

    /// Ends the session with its pooled work connections; users' streams and the paths go on.
    pub(crate) async fn close(&self) {
        self.scope.close(Duration::ZERO).await;
    }

    pub(crate) fn run_id(&self) -> &str {
        &self.run_id
    }
}

/// Waits for a piece of work that may not be under way.
async fn done<F: Future + Unpin>(work: &mut Option<F>) -> F::Output {
    match work {
        Some(work) => work.await,
        None => std::future::pending().await,
    }
}

async fn send(control: &mut Framed, message: &Message) -> Result<(), End> {
    match tokio::time::timeout(WRITE_TIMEOUT, control.send(message)).await {
        Ok(sent) => Ok(sent?),
        Err(_) => Err(End::Stalled),
    }
}
