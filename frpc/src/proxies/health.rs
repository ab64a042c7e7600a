//! Whether the service behind a proxy is there, as health checks find it (protocol 5.8).

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use culvert_conf::{Backend, ProxyConfig};
use culvert_io::Scope;
use culvert_proxies::HealthChecks;
use culvert_proxy::ProxyError;
use tokio::sync::Notify;

/// What is known of a service; one without checks is taken to be there.
#[derive(Clone, Debug)]
pub(super) struct Health(Option<Arc<AtomicBool>>);

impl Health {
    /// Begins to check the service of `config`, if that is wanted, until `scope` ends; tells
    /// `changed` when it has come or gone. Until the first check succeeds it is not there.
    ///
    /// # Errors
    /// Refused when the check cannot be made.
    pub(super) fn watch(
        config: &ProxyConfig,
        scope: &Scope,
        changed: &Arc<Notify>,
    ) -> Result<Self, ProxyError> {
        // A plugin is always there, and without a port there is nothing to ask
        // (upstream client/proxy/proxy_wrapper.go).
        let (
            Some(check),
            Backend::Local {
                ip,
                port: port @ 1..,
            },
        ) = (&config.health_check, &config.backend)
        else {
            return Ok(Self(None));
        };
        let checks = HealthChecks::new(check.clone(), ip, *port)?;
        let good = Arc::new(AtomicBool::new(false));
        let (found, changed, within) = (Arc::clone(&good), Arc::clone(changed), scope.clone());
        scope.spawn(async move {
            let told = |is_good| {
                found.store(is_good, Ordering::Release);
                let word = if is_good { "success" } else { "failed" };
                tracing::info!("health check {word}");
                changed.notify_one();
            };
            checks.run(&within, told).await;
        });
        Ok(Self(Some(good)))
    }

    /// Whether users may come.
    pub(super) fn is_good(&self) -> bool {
        self.0
            .as_ref()
            .is_none_or(|good| good.load(Ordering::Acquire))
    }
}
