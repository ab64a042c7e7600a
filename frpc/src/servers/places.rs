//! Where one server is: at its address, or where its SRV records say at the moment.

use std::time::Duration;

use culvert_conf::ClientConfig;
use culvert_transport::{Target, TransportError};
use culvert_transports::{Resolver, Transports};
use parking_lot::Mutex;

use crate::paths::Ways;

/// The ways to one server, for each place where it is.
#[derive(Debug)]
pub(crate) struct Places(Kind);

#[derive(Debug)]
enum Kind {
    Fixed(Ways),
    Records(Box<Records>),
}

#[derive(Debug)]
struct Records {
    domain: String,
    resolver: Resolver,
    /// How long looking them up may take.
    limit: Duration,
    config: ClientConfig,
    transports: Transports,
    /// Those of the last answer.
    known: Mutex<Vec<(Target, Ways)>>,
}

impl Places {
    /// The places of the one server of `config`. Reads certificate files; does no network I/O.
    ///
    /// # Errors
    /// A file cannot be used, or this build does not have the transport.
    pub(crate) fn new(
        config: &ClientConfig,
        transports: &Transports,
    ) -> Result<Self, TransportError> {
        let Some(domain) = &config.server_srv else {
            return Ok(Self(Kind::Fixed(Ways::new(config, transports)?)));
        };
        Ok(Self(Kind::Records(Box::new(Records {
            domain: domain.clone(),
            resolver: Resolver::new(config.dns_server.as_deref()),
            limit: config.transport.dial_timeout,
            config: config.clone(),
            transports: transports.clone(),
            known: Mutex::default(),
        }))))
    }

    /// The ways to try, the first first; names are asked anew each time.
    ///
    /// *Cancel safety*: safe.
    ///
    /// # Errors
    /// There are no records, or nobody can be asked.
    pub(crate) async fn ways(&self) -> Result<Vec<Ways>, TransportError> {
        match &self.0 {
            Kind::Fixed(ways) => Ok(vec![ways.clone()]),
            Kind::Records(records) => records.ways().await,
        }
    }

    /// The ways that were there last; nobody is asked.
    pub(crate) fn known(&self) -> Vec<Ways> {
        match &self.0 {
            Kind::Fixed(ways) => vec![ways.clone()],
            Kind::Records(records) => {
                let known = records.known.lock();
                known.iter().map(|(_, ways)| ways.clone()).collect()
            }
        }
    }

    /// Ends what transports keep running between dials.
    ///
    /// *Cancel safety*: what was to end, ends when this is dropped.
    pub(crate) async fn close(&self) {
        for ways in self.known() {
            ways.close().await;
        }
    }
}

impl Records {
    async fn ways(&self) -> Result<Vec<Ways>, TransportError> {
        let asked = self.resolver.services(&self.domain);
        let targets = tokio::time::timeout(self.limit, asked)
            .await
            .map_err(|_elapsed| TransportError::Timeout {
                what: format!("lookup SRV records of {}", self.domain),
                after: self.limit,
            })??;
        let mut all = Vec::with_capacity(targets.len());
        for target in targets {
            all.push((target.clone(), self.at(&target)?));
        }
        tracing::debug!("{} is at {}", self.domain, named(&all));
        self.known.lock().clone_from(&all);
        Ok(all.into_iter().map(|(_, ways)| ways).collect())
    }

    /// The ways to this place; those that were there before stay, with what was seen of them.
    fn at(&self, target: &Target) -> Result<Ways, TransportError> {
        let known = self.known.lock();
        if let Some((_, ways)) = known.iter().find(|(known, _)| known == target) {
            return Ok(ways.clone());
        }
        drop(known);
        let mut config = self.config.clone();
        config.server_addr.clone_from(&target.host);
        config.server_port = target.port;
        Ways::new(&config, &self.transports)
    }
}

fn named(all: &[(Target, Ways)]) -> String {
    let names: Vec<_> = all.iter().map(|(target, _)| target.to_string()).collect();
    names.join(", ")
}
