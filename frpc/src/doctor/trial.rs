//! One way tried to its end: dial, log in as nobody's proxy, beat a few times, say goodbye.

use std::time::Duration;

use culvert_conf::ClientConfig;
use culvert_io::Scope;
use culvert_transport::{BoxSession, Framed, TransportError};
use culvert_transports::{ClientStack, Transports};
use culvert_wire::{
    Message,
    msg::{Login, Ping},
};
use tokio::time::{Instant, timeout};

use super::{
    seen::{Bulk, Passed, Trial},
    way::Way,
};
use crate::{Cause, auth::Auth, session::Who};

/// Heartbeats sent at once: with their proof of 80 bytes each they fill more than one packet of
/// 1500 bytes, and no server minds them.
const BEATS: usize = 24;

/// What all trials have in common.
#[derive(Clone, Copy)]
pub(super) struct Common<'a> {
    pub(super) file: &'a ClientConfig,
    pub(super) transports: &'a Transports,
    pub(super) auth: &'a Auth,
    /// What is said at login.
    pub(super) ask: &'a Login,
    pub(super) limit: Duration,
    pub(super) scope: &'a Scope,
}

impl Common<'_> {
    /// Tries one way.
    ///
    /// *Cancel safety*: the connection is closed.
    pub(super) async fn attempt(self, way: Way) -> Trial {
        let begun = Instant::now();
        let config = way.config(self.file, self.limit);
        let outcome = match ClientStack::with(&config, self.transports) {
            Ok(stack) => {
                let outcome = self.over(&stack, &config, begun).await;
                stack.close().await;
                outcome
            }
            Err(err) => Err(Cause::of_dial(&way.protocol, &err)),
        };
        Trial {
            way,
            outcome,
            took: begun.elapsed(),
        }
    }

    async fn over(
        self,
        stack: &ClientStack,
        config: &ClientConfig,
        begun: Instant,
    ) -> Result<Passed, Cause> {
        let protocol = &config.transport.protocol;
        let link = stack
            .connect(self.scope)
            .await
            .map_err(|err| Cause::of_dial(protocol, &err))?;
        let connected = begun.elapsed();
        let passed = self.logged_in(&link, config, begun, connected).await;
        // Whatever became of it, the server hears that it is over.
        let _late = timeout(self.limit, link.close("the doctor is done")).await;
        passed
    }

    async fn logged_in(
        self,
        link: &BoxSession,
        config: &ClientConfig,
        begun: Instant,
        connected: Duration,
    ) -> Result<Passed, Cause> {
        let who = Who {
            config,
            auth: self.auth,
        };
        let protocol = &config.transport.protocol;
        // Without a mux it is here that the server is dialled.
        let limit = match config.transport.tcp_mux {
            None => self.limit.saturating_mul(3),
            Some(_) => self.limit,
        };
        let spoken = timeout(limit, who.speak(link, protocol, self.ask.clone())).await;
        let spoken = spoken.unwrap_or_else(|_elapsed| {
            Err(TransportError::Timeout {
                what: "waiting for login response".to_owned(),
                after: limit,
            }
            .into())
        });
        let (mut control, _run_id) = spoken.map_err(|err| Cause::of_login(protocol, &err))?;
        let logged_in = begun.elapsed();
        let ping = Ping {
            privilege_key: self.ask.privilege_key.clone(),
            timestamp: self.ask.timestamp,
        };
        let (round_trip, bulk) = beat(&mut control, &ping.into(), self.limit).await;
        Ok(Passed {
            connected,
            logged_in,
            round_trip,
            bulk,
            mtu: link.path_mtu(),
        })
    }
}

/// One heartbeat, for the round trip, then many at once.
async fn beat(control: &mut Framed, ping: &Message, limit: Duration) -> (Option<Duration>, Bulk) {
    let begun = Instant::now();
    if answered(control, ping, 1, limit).await != 1 {
        return (None, Bulk::Unknown);
    }
    let round_trip = begun.elapsed();
    let begun = Instant::now();
    let bulk = match answered(control, ping, BEATS, limit).await {
        BEATS => Bulk::Passed(begun.elapsed()),
        some => Bulk::Stalled(some),
    };
    (Some(round_trip), bulk)
}

/// How many of so many heartbeats the server answers in time.
async fn answered(control: &mut Framed, ping: &Message, count: usize, limit: Duration) -> usize {
    let mut answers = 0;
    let all = async {
        for _ in 0..count {
            control.feed(ping)?;
        }
        control.flush().await?;
        while answers < count {
            match control.next().await? {
                Some(Message::Pong(_)) => answers += 1,
                Some(_) => {}
                None => break,
            }
        }
        Ok::<_, TransportError>(())
    };
    // What is not answered shows in the count.
    let _late = timeout(limit, all).await;
    answers
}
