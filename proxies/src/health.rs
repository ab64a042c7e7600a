//! Health checks of local services: a proxy is published while its service answers (protocol 5.8).

mod probe;

use culvert_conf::HealthCheck;
use culvert_io::Scope;
use culvert_proxy::ProxyError;
use tokio::time::sleep;

use probe::Probe;
#[cfg(feature = "http")]
pub use probe::redirected;

/// Asks a local service again and again whether it is there.
#[derive(Debug)]
pub struct HealthChecks {
    check: HealthCheck,
    probe: Probe,
}

impl HealthChecks {
    /// The checks that `check` asks for, of the service at `host` and `port`.
    ///
    /// # Errors
    /// Refused when its path or headers cannot be sent.
    pub fn new(check: HealthCheck, host: &str, port: u16) -> Result<Self, ProxyError> {
        Ok(Self {
            probe: Probe::new(&check.probe, host, port)?,
            check,
        })
    }

    /// Checks until it is dropped, one check at a time, and tells `changed` whenever the service
    /// has come or gone; in the beginning it is not there. Must run in `scope`.
    ///
    /// *Cancel safety*: the check that runs is broken off.
    pub async fn run(self, scope: &Scope, changed: impl Fn(bool)) {
        let mut health = Health::default();
        loop {
            let found = self.probe.check(self.check.timeout, scope).await;
            match &found {
                Ok(()) => {
                    tracing::debug!(target: culvert_io::TRACE_LOG, "do one health check success")
                }
                Err(error) => tracing::warn!("do one health check failed: {error}"),
            }
            match health.note(found.is_ok(), self.check.max_failed) {
                Some(true) => {
                    tracing::info!("health check status change to success");
                    changed(true);
                }
                Some(false) => {
                    tracing::warn!("health check status change to failed");
                    changed(false);
                }
                None => {}
            }
            sleep(self.check.interval).await;
        }
    }
}

/// What is known of a service.
#[derive(Debug, Default)]
struct Health {
    good: bool,
    /// Failures in a row.
    failed: u32,
}

impl Health {
    /// Notes one check; answers the new state if that changed it.
    ///
    /// upstream: never forgets a failure (client/health/health.go), so that `maxFailed` counts all
    /// since the start.
    fn note(&mut self, success: bool, max_failed: u32) -> Option<bool> {
        if success {
            self.failed = 0;
        } else {
            self.failed = self.failed.saturating_add(1);
        }
        let good = success || (self.good && self.failed < max_failed);
        let changed = good != self.good;
        self.good = good;
        changed.then_some(good)
    }
}

#[cfg(test)]
mod tests;
