//! Our proxies and how far each one's registration is (protocol 3.3).

mod health;
mod phase;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use culvert_conf::{ClientConfig, ProxyConfig};
use culvert_io::Scope;
use culvert_proxies::{ClientCx, client_layers, client_proxy, new_proxy, wire_name};
use culvert_proxy::{BoxClientProxy, LayerFlags, ProxyError};
use culvert_wire::{
    Key,
    msg::{NewProxy, NewProxyResp},
};
use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};
use tracing::Span;

use health::Health;
pub(crate) use phase::Phase;

/// How long the server may take to answer before it is asked again (protocol 3.3).
const NO_ANSWER: Duration = Duration::from_secs(20);
/// How long a refused proxy waits before it asks again (protocol 3.3).
const AFTER_ERROR: Duration = Duration::from_secs(30);

/// Every proxy by its name on the wire.
#[derive(Debug)]
pub(crate) struct Proxies {
    inner: Mutex<Inner>,
    /// Told when there is something to say to the server.
    changed: Arc<Notify>,
    user: String,
    lent: ClientCx,
    key: Key,
    /// Where the scopes of the proxies belong.
    root: Scope,
}

#[derive(Debug, Default)]
struct Inner {
    /// Whether the server is to publish them.
    are_wanted: bool,
    entries: BTreeMap<String, Entry>,
    /// Names that the server is to forget, in this session.
    withdrawn: Vec<String>,
    /// How many answers are on the way to asks for what a name no longer stands for.
    stale: BTreeMap<String, u32>,
}

#[derive(Debug)]
struct Entry {
    config: ProxyConfig,
    ask: NewProxy,
    /// `None` when this build cannot serve it.
    served: Option<Served>,
    phase: Phase,
}

/// What serves a proxy's work connections.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    pub(crate) proxy: BoxClientProxy,
    pub(crate) layers: Arc<LayerFlags>,
    /// Where lasting tasks of the proxy live; its span carries the proxy's name.
    pub(crate) scope: Scope,
    health: Health,
}

/// A proxy as it is shown.
#[derive(Debug)]
pub(crate) struct ProxyRow {
    pub(crate) config: ProxyConfig,
    pub(crate) phase: Phase,
}

/// What a change of the configuration did, by our own names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) added: Vec<String>,
    pub(crate) removed: Vec<String>,
}

impl Proxies {
    /// The proxies of a configuration; one that this build cannot serve is not asked for, the
    /// others are served.
    pub(crate) fn new(config: &ClientConfig, key: &Key, lent: ClientCx, root: &Scope) -> Self {
        let proxies = Self {
            inner: Mutex::new(Inner {
                are_wanted: true,
                ..Inner::default()
            }),
            changed: Arc::default(),
            user: config.user.clone(),
            lent,
            key: key.clone(),
            root: root.clone(),
        };
        proxies.update(&config.proxies);
        proxies
    }

    /// Makes `wanted` the proxies that there are. One that is the same as before stays as it is,
    /// with its registration; one that changed counts as removed and added. Connections of users
    /// go on in any case, as upstream's do.
    pub(crate) fn update(&self, wanted: &[ProxyConfig]) -> Change {
        let mut change = Change::default();
        let mut inner = self.inner.lock();
        let mut before = std::mem::take(&mut inner.entries);
        for config in wanted {
            let name = wire_name(&self.user, &config.name).to_string();
            let is_same = |old: &Entry| old.config == *config;
            let entry = match before.remove(&name) {
                Some(same) if is_same(&same) => same,
                old => {
                    change.added.push(config.name.clone());
                    // What it replaces goes the way of all that are left.
                    before.extend(old.map(|old| (name.clone(), old)));
                    self.entry(config)
                }
            };
            inner.entries.insert(name, entry);
        }
        for (name, old) in before {
            change.removed.push(old.config.name.clone());
            self.withdraw(name, old, &mut inner);
        }
        drop(inner);
        self.changed.notify_one();
        change
    }

    /// Ends what lasts of a proxy, and notes that the server is to be told.
    fn withdraw(&self, name: String, old: Entry, inner: &mut Inner) {
        if old.phase.is_asked() {
            *inner.stale.entry(name.clone()).or_default() += 1;
        }
        if old.phase.is_known_to_the_server() {
            inner.withdrawn.push(name);
        }
        if let Some(served) = old.served {
            self.root.spawn(async move {
                served.scope.close(Duration::ZERO).await;
            });
        }
    }

    fn entry(&self, config: &ProxyConfig) -> Entry {
        let span = tracing::error_span!("proxy", prefix = %config.name);
        let (served, phase) = match self.served(config, span.clone()) {
            Ok(served) => (Some(served), Phase::New),
            Err(err) => {
                span.in_scope(|| tracing::error!("not served: {err}"));
                (None, Phase::Unserved(err.to_string()))
            }
        };
        Entry {
            config: config.clone(),
            ask: new_proxy(config, &self.user),
            served,
            phase,
        }
    }

    fn served(&self, config: &ProxyConfig, span: Span) -> Result<Served, ProxyError> {
        let proxy = client_proxy(config, &self.lent)?;
        let scope = self.root.child(span);
        Ok(Served {
            proxy,
            layers: Arc::new(client_layers(config, &self.key)),
            health: Health::watch(config, &scope, &self.changed)?,
            scope,
        })
    }

    /// Waits until there is something to say to the server before the next look at the clock.
    ///
    /// *Cancel safety*: safe.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Lets the server publish them, or no longer. Users that are there stay.
    pub(crate) fn publish(&self, are_wanted: bool) {
        let before = std::mem::replace(&mut self.inner.lock().are_wanted, are_wanted);
        if before != are_wanted {
            self.changed.notify_one();
        }
    }

    /// Whether the server has answered for every proxy that it is to publish.
    pub(crate) fn are_settled(&self) -> bool {
        let inner = self.inner.lock();
        let mut served = inner.entries.values().filter(|e| e.is_served_well());
        served.all(|entry| matches!(entry.phase, Phase::Running(_) | Phase::Refused(..)))
    }

    /// A new session knows none of our proxies.
    pub(crate) fn forget_answers(&self) {
        let mut inner = self.inner.lock();
        inner.withdrawn.clear();
        inner.stale.clear();
        for entry in inner.entries.values_mut() {
            if entry.served.is_some() {
                entry.phase = Phase::New;
            }
        }
    }

    /// The names that the server is to forget, each once: of proxies that are gone, whose service
    /// is, or which another server publishes.
    pub(crate) fn take_withdrawn(&self) -> Vec<String> {
        let mut inner = self.inner.lock();
        let Inner {
            are_wanted,
            entries,
            withdrawn,
            stale,
        } = &mut *inner;
        for (name, entry) in entries {
            let stays = *are_wanted && entry.is_served_well();
            if stays || !entry.phase.is_known_to_the_server() {
                continue;
            }
            if entry.phase.is_asked() {
                *stale.entry(name.clone()).or_default() += 1;
            }
            withdrawn.push(name.clone());
            entry.change(if entry.is_served_well() {
                Phase::Standby
            } else {
                Phase::CheckFailed
            });
        }
        std::mem::take(withdrawn)
    }

    /// What to ask the server for at `now`.
    pub(crate) fn due(&self, now: Instant) -> Vec<NewProxy> {
        let mut asks = Vec::new();
        let mut inner = self.inner.lock();
        if !inner.are_wanted {
            return asks;
        }
        for entry in inner.entries.values_mut() {
            if entry.phase.is_due(now) && entry.is_served_well() {
                entry.change(Phase::Waiting(now + NO_ANSWER));
                asks.push(entry.ask.clone());
            }
        }
        asks
    }

    /// Notes the server's answer. One that nobody waits for is ignored.
    pub(crate) fn answered(&self, answer: NewProxyResp) {
        let mut inner = self.inner.lock();
        let Inner { entries, stale, .. } = &mut *inner;
        if let Some(left) = stale.get_mut(&answer.proxy_name) {
            *left -= 1;
            if *left == 0 {
                stale.remove(&answer.proxy_name);
            }
            return;
        }
        let Some(entry) = entries.get_mut(&answer.proxy_name) else {
            return;
        };
        let (true, Some(served)) = (entry.phase.is_asked(), &entry.served) else {
            return;
        };
        let span = served.scope.span().clone();
        let _in_proxy = span.enter();
        if answer.error.is_empty() {
            entry.phase = Phase::Running(answer.remote_addr);
            tracing::info!("start proxy success");
        } else {
            tracing::warn!("start error: {}", answer.error);
            entry.phase = Phase::Refused(Instant::now() + AFTER_ERROR, answer.error);
        }
    }

    /// What serves the proxy of this name, if the server was asked to publish it. Its answer may
    /// still be on the way: a user can be faster. So may our word that another server publishes it.
    pub(crate) fn get(&self, wire_name: &str) -> Option<Served> {
        let inner = self.inner.lock();
        let entry = inner.entries.get(wire_name)?;
        let known = entry.phase.is_known_to_the_server() || entry.phase == Phase::Standby;
        entry.served.clone().filter(|_| known)
    }

    /// The names of proxies that the server publishes.
    pub(crate) fn running(&self) -> Vec<String> {
        let inner = self.inner.lock();
        let running = |(_, entry): &(&String, &Entry)| matches!(entry.phase, Phase::Running(_));
        let running = inner.entries.iter().filter(running);
        running.map(|(name, _)| name.clone()).collect()
    }

    /// Our own names of all proxies, without the user.
    pub(crate) fn names(&self) -> Vec<String> {
        let inner = self.inner.lock();
        let own = |entry: &Entry| entry.config.name.clone();
        inner.entries.values().map(own).collect()
    }

    /// A copy of all, sorted by name.
    pub(crate) fn rows(&self) -> Vec<ProxyRow> {
        let inner = self.inner.lock();
        let row = |entry: &Entry| ProxyRow {
            config: entry.config.clone(),
            phase: entry.phase.clone(),
        };
        inner.entries.values().map(row).collect()
    }
}

impl Entry {
    /// Whether its service is there.
    fn is_served_well(&self) -> bool {
        self.served.as_ref().is_some_and(|s| s.health.is_good())
    }

    fn change(&mut self, to: Phase) {
        let span = self.served.as_ref().map(|served| served.scope.span());
        let _in_proxy = span.map(Span::enter);
        tracing::debug!(
            target: culvert_io::TRACE_LOG,
            "change status from [{}] to [{}]",
            self.phase.as_str(),
            to.as_str()
        );
        self.phase = to;
    }
}

#[cfg(test)]
mod tests;
