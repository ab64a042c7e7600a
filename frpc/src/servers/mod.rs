//! The servers of a client, usually one: a tunnel for each, and who of them serves now.
//!
//! Every tunnel is logged in all the time, so that another server can take over at once; those that
//! do not serve have no proxies. `vitals` is what is seen of a server, `choice` decides from it,
//! and this file does what was decided. See docs/PATHS.md.

mod best;
mod choice;
mod hold;
mod places;
mod report;
mod tunnel;
mod vitals;

use std::{sync::Arc, time::Duration};

use culvert_conf::{ClientConfig, Heartbeat, ProxyConfig, ServerPolicy, VisitorConfig};
use culvert_io::{Meter, Scope};
use culvert_proxies::VirtualNet;
use culvert_transports::Transports;
use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

use crate::{
    auth::Auth,
    proxies::Change,
    service::RunError,
    session::{Client, Shared, lent},
    visitors::Visitors,
};
use best::Best;
use choice::{Choice, Why};
pub(crate) use hold::Current;
use places::Places;
pub(crate) use report::{ProxyAt, ServerRow};
pub(crate) use tunnel::Tunnel;
pub(crate) use vitals::Vitals;
use vitals::{PROBE, Sight};

/// How long the server that served before keeps its proxies while another one takes them.
const OVERLAP: Duration = Duration::from_secs(2);

/// All servers, and what they share.
#[derive(Debug)]
pub(crate) struct Servers {
    /// The whole configuration, with what the store adds.
    pub(crate) config: ClientConfig,
    /// In the order of preference; at least one.
    pub(crate) tunnels: Vec<Arc<Tunnel>>,
    pub(crate) visitors: Arc<Visitors>,
    /// User connections, which outlive a session.
    pub(crate) users: Scope,
    /// Bytes and user connections of all proxies.
    pub(crate) meter: Arc<Meter>,
    best: Arc<Best>,
    choice: Mutex<Choice>,
    /// Told when a server has come or gone.
    changed: Notify,
}

impl Servers {
    /// The servers of `config`; tasks live in `root`. Reads the files that it names; does no network
    /// I/O.
    ///
    /// *Cancel safety*: nothing stays behind.
    ///
    /// # Errors
    /// A file cannot be used, or this build does not have a transport.
    pub(crate) async fn new(
        config: ClientConfig,
        transports: &Transports,
        root: &Scope,
    ) -> Result<Self, RunError> {
        let mut each = Vec::new();
        for (name, mut own) in config.for_each_server() {
            if config.servers.as_ref().is_some_and(|s| s.list.len() > 1) {
                own.transport.heartbeat = Some(probing(own.transport.heartbeat));
            }
            let auth = Auth::new(&own.auth, root).await?;
            let places = Places::new(&own, transports).map_err(RunError::Transport)?;
            each.push((name, own, auth, places));
        }
        let network = config.virtual_net_address;
        let net = network.map(|own| VirtualNet::open(own, root)).transpose();
        let virtual_net = net.map_err(RunError::VirtualNet)?;
        let users = root.child(tracing::Span::none());
        let best = Arc::new(Best::new(&config.user, &users));
        let control = Arc::<Best>::clone(&best);
        let lent = lent(&config, virtual_net.clone(), control, &users, root);
        let shared = Shared {
            virtual_net,
            visitors: Arc::new(Visitors::new(&config, lent, root)),
            users,
            meter: Arc::default(),
        };
        let are_several = each.len() > 1;
        let tunnel = |(name, own, auth, places)| {
            let name = if are_several { name } else { String::new() };
            // Its proxies log under it.
            let client =
                tunnel::span(&name).in_scope(|| Client::new(own, auth, shared.clone(), root));
            client.proxies.publish(!are_several);
            Arc::new(Tunnel {
                name,
                client: Arc::new(client),
                places,
            })
        };
        let tunnels: Vec<_> = each.into_iter().map(tunnel).collect();
        if let [only] = tunnels.as_slice() {
            best.is(&only.client);
        }
        let policy = config.servers.as_ref().map(|servers| servers.policy);
        Ok(Self {
            choice: Mutex::new(Choice::new(policy.unwrap_or_default(), Instant::now())),
            config,
            tunnels,
            visitors: shared.visitors,
            users: shared.users,
            meter: shared.meter,
            best,
            changed: Notify::new(),
        })
    }

    /// Whether there are several.
    pub(crate) const fn are_several(&self) -> bool {
        self.tunnels.len() > 1
    }

    /// A login succeeded at the server of `tunnel`.
    pub(crate) fn is_online(&self, tunnel: &Tunnel) {
        tunnel.client.vitals.online(Instant::now());
        self.changed.notify_one();
    }

    /// The session there is over.
    pub(crate) fn is_lost(&self, tunnel: &Tunnel) {
        tunnel.client.vitals.offline();
        self.changed.notify_one();
    }

    /// A login failed there. Says whether the client is to end: with `loginFailExit` it does when it
    /// could not log in at any server at first.
    pub(crate) fn gives_up(&self, tunnel: &Tunnel) -> bool {
        self.is_lost(tunnel);
        let is_down = |sight| sight == Sight::Down;
        let all_failed = self.sights(Instant::now()).into_iter().all(is_down);
        self.config.login_fail_exit && all_failed && !self.was_online()
    }

    /// Lets visitors take users; to be called once, at the first login.
    pub(crate) fn start_visitors(&self) {
        self.visitors.start(&self.best);
    }

    /// Whether there ever was a session.
    pub(crate) fn was_online(&self) -> bool {
        self.tunnels.iter().any(|t| t.client.was_online())
    }

    /// Whether there is a session with any server.
    pub(crate) fn are_connected(&self) -> bool {
        self.tunnels.iter().any(|t| t.client.session().is_some())
    }

    /// The names of all proxies, without the user.
    pub(crate) fn proxy_names(&self) -> Vec<String> {
        let first = self.tunnels.first();
        first.map_or_else(Vec::new, |tunnel| tunnel.client.proxies.names())
    }

    /// Makes these the proxies and visitors that there are, at all servers.
    pub(crate) fn update(
        &self,
        proxies: &[ProxyConfig],
        visitors: &[VisitorConfig],
    ) -> (Change, Change) {
        let mut change = Change::default();
        for tunnel in &self.tunnels {
            // The same at each of them.
            change = tunnel.client.proxies.update(proxies);
        }
        (change, self.visitors.update(visitors))
    }

    /// Lets the right servers publish, until dropped; returns at once where there is only one.
    ///
    /// *Cancel safety*: safe.
    pub(crate) async fn choose(self: Arc<Self>) {
        if !self.are_several() {
            return;
        }
        let mut chosen_at = Instant::now();
        loop {
            let now = Instant::now();
            let (why, current) = {
                let mut choice = self.choice.lock();
                (choice.look(now, &self.sights(now)), choice.current())
            };
            let current = current.and_then(|at| self.tunnels.get(at));
            if let (Some(why), Some(current)) = (why, current) {
                chosen_at = now;
                self.tell(current, why);
                self.best.is(&current.client);
            }
            self.publish(current, now >= chosen_at + OVERLAP);
            let next = self.next_look(now);
            tokio::select! {
                () = self.changed.notified() => {}
                () = tokio::time::sleep_until(next) => {}
            }
        }
    }

    fn tell(&self, tunnel: &Tunnel, why: Why) {
        let policy = self.policy();
        let name = &tunnel.name;
        match (policy, why) {
            (ServerPolicy::ActiveActive, _) => {
                tracing::debug!("visitors use server [{name}]: {why}");
            }
            (_, Why::Gone | Why::Silent) => {
                tracing::warn!("server [{name}] serves from now on: {why}");
            }
            _ => tracing::info!("server [{name}] serves from now on: {why}"),
        }
    }

    /// Those that are to publish do; the others stop once `current` does, or time is up.
    fn publish(&self, current: Option<&Arc<Tunnel>>, is_late: bool) {
        let is_there = current.is_some_and(|t| t.client.proxies.are_settled());
        for (index, tunnel) in self.tunnels.iter().enumerate() {
            if self.choice.lock().publishes(index) {
                tunnel.client.proxies.publish(true);
            } else if is_there || is_late {
                tunnel.client.proxies.publish(false);
            }
        }
    }

    /// When something may be different although nobody told.
    fn next_look(&self, now: Instant) -> Instant {
        let silent = self
            .tunnels
            .iter()
            .filter_map(|t| t.client.vitals.silent_at());
        let soon = silent.filter(|at| *at > now).min();
        soon.map_or(now + PROBE, |at| at.min(now + PROBE))
    }

    fn sights(&self, now: Instant) -> Vec<Sight> {
        self.tunnels
            .iter()
            .map(|tunnel| tunnel.sight(now))
            .collect()
    }

    fn policy(&self) -> ServerPolicy {
        let servers = self.config.servers.as_ref();
        servers.map(|servers| servers.policy).unwrap_or_default()
    }

    /// Ends what transports keep running.
    ///
    /// *Cancel safety*: what was to end, ends when this is dropped.
    pub(crate) async fn close(&self) {
        for tunnel in &self.tunnels {
            tunnel.places.close().await;
        }
    }
}

/// Pings that tell early that a server is silent. They end no session earlier than without them.
fn probing(wanted: Option<Heartbeat>) -> Heartbeat {
    Heartbeat {
        interval: wanted.map_or(PROBE, |wanted| wanted.interval.min(PROBE)),
        timeout: wanted.and_then(|wanted| wanted.timeout),
    }
}
