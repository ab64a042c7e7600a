//! Our proxies and how far each one's registration is (protocol 3.3).

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use culvert_conf::{ClientConfig, ProxyConfig};
use culvert_io::Scope;
use culvert_proxies::{ClientCx, client_proxy, layer_flags, new_proxy};
use culvert_proxy::{BoxClientProxy, LayerFlags};
use culvert_wire::{
    Key,
    msg::{NewProxy, NewProxyResp},
};
use parking_lot::Mutex;
use tokio::time::Instant;

/// How long the server may take to answer before it is asked again (protocol 3.3).
const NO_ANSWER: Duration = Duration::from_secs(20);
/// How long a refused proxy waits before it asks again (protocol 3.3).
const AFTER_ERROR: Duration = Duration::from_secs(30);

/// Every proxy by its name on the wire.
#[derive(Debug)]
pub(crate) struct Proxies(Mutex<BTreeMap<String, Entry>>);

#[derive(Debug)]
struct Entry {
    ask: NewProxy,
    served: Served,
    phase: Phase,
}

/// What serves a proxy's work connections.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    pub(crate) proxy: BoxClientProxy,
    pub(crate) layers: Arc<LayerFlags>,
    /// Where lasting tasks of the proxy live; its span carries the proxy's name.
    pub(crate) scope: Scope,
}

/// How far a registration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Not asked for in this session.
    New,
    /// Asked for; asked again when this moment comes.
    Waiting(Instant),
    /// Refused; asked again when this moment comes.
    Refused(Instant),
    /// The server publishes it.
    Running,
}

impl Proxies {
    /// The proxies of a configuration; one that this build cannot serve is left out with an error
    /// in the log, the others are served.
    pub(crate) fn new(config: &ClientConfig, key: &Key, scope: &Scope) -> Self {
        let mut entries = BTreeMap::new();
        for proxy in &config.proxies {
            let span = tracing::error_span!("proxy", prefix = %proxy.name);
            match Entry::new(proxy, config, key, scope.child(span.clone())) {
                Ok(entry) => {
                    entries.insert(entry.ask.proxy_name.clone(), entry);
                }
                Err(err) => span.in_scope(|| tracing::error!("not served: {err}")),
            }
        }
        Self(Mutex::new(entries))
    }

    /// A new session knows none of our proxies.
    pub(crate) fn forget_answers(&self) {
        for entry in self.0.lock().values_mut() {
            entry.phase = Phase::New;
        }
    }

    /// What to ask the server for at `now`.
    pub(crate) fn due(&self, now: Instant) -> Vec<NewProxy> {
        let mut asks = Vec::new();
        for entry in self.0.lock().values_mut() {
            let due = match entry.phase {
                Phase::New => true,
                Phase::Waiting(until) | Phase::Refused(until) => now >= until,
                Phase::Running => false,
            };
            if due {
                entry.phase = Phase::Waiting(now + NO_ANSWER);
                asks.push(entry.ask.clone());
            }
        }
        asks
    }

    /// Notes the server's answer. One that nobody waits for is ignored.
    pub(crate) fn answered(&self, answer: NewProxyResp) {
        let mut entries = self.0.lock();
        let Some(entry) = entries.get_mut(&answer.proxy_name) else {
            return;
        };
        if !matches!(entry.phase, Phase::Waiting(_)) {
            return;
        }
        let span = entry.served.scope.span().clone();
        let _in_proxy = span.enter();
        if answer.error.is_empty() {
            entry.phase = Phase::Running;
            tracing::info!("start proxy success");
        } else {
            entry.phase = Phase::Refused(Instant::now() + AFTER_ERROR);
            tracing::warn!("start error: {}", answer.error);
        }
    }

    /// What serves the proxy of this name, if the server was asked to publish it. Its answer may
    /// still be on the way: a user can be faster.
    pub(crate) fn get(&self, wire_name: &str) -> Option<Served> {
        let entries = self.0.lock();
        let entry = entries.get(wire_name)?;
        matches!(entry.phase, Phase::Running | Phase::Waiting(_)).then(|| entry.served.clone())
    }

    /// The names of proxies that the server publishes.
    pub(crate) fn running(&self) -> Vec<String> {
        let entries = self.0.lock();
        let running = entries.iter().filter(|(_, e)| e.phase == Phase::Running);
        running.map(|(name, _)| name.clone()).collect()
    }

    /// Our own names of all proxies, without the user.
    pub(crate) fn names(&self, user: &str) -> Vec<String> {
        let strip = |name: &String| {
            let own = name.strip_prefix(user).and_then(|n| n.strip_prefix('.'));
            own.filter(|_| !user.is_empty()).unwrap_or(name).to_owned()
        };
        self.0.lock().keys().map(strip).collect()
    }
}

impl Entry {
    fn new(
        proxy: &ProxyConfig,
        config: &ClientConfig,
        key: &Key,
        scope: Scope,
    ) -> Result<Self, culvert_proxy::ProxyError> {
        let cx = ClientCx {
            udp_packet_size: config.udp_packet_size,
        };
        Ok(Self {
            ask: new_proxy(proxy, &config.user),
            served: Served {
                proxy: client_proxy(proxy, &cx)?,
                layers: Arc::new(layer_flags(&proxy.transport, key)),
                scope,
            },
            phase: Phase::New,
        })
    }
}
