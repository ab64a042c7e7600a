//! What the dashboard and scripts are told about clients and proxies, kept beside the sessions.
//!
//! Sessions write here when something begins or ends, relays count into meters; the API reads
//! copies. Everything is in memory and bounded; a restart begins anew, as upstream's.

mod clients;
mod counts;
mod days;
#[cfg(not(feature = "http"))]
#[path = "../absent/histogram.rs"]
mod histogram;
mod proxies;

use std::{sync::Arc, time::Duration};

use chrono::Local;

pub(crate) use self::{
    clients::{Arrived, Client, Clients, TakenClientId},
    counts::{Acquired, Counts, Layer, Refused},
    days::{DAYS, Traffic},
    proxies::{Owner, Proxies, ProxyRow},
};

/// How often the meters are read, so that bytes count for the day on which they moved.
const SAMPLE: Duration = Duration::from_secs(60);

/// What is known of clients, and of proxies when anybody can ask.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) clients: Arc<Clients>,
    /// What the server counts of its own work.
    pub(crate) counts: Arc<Counts>,
    /// Kept only with a web server, as upstream does.
    pub(crate) proxies: Option<Arc<Proxies>>,
}

impl Figures {
    /// Nothing yet; `watched` tells whether there is a web server.
    pub(crate) fn new(watched: bool) -> Self {
        Self {
            clients: Arc::default(),
            counts: Arc::default(),
            proxies: watched.then(Arc::default),
        }
    }
}

/// Reads the meters every minute until dropped.
pub(crate) async fn sample(proxies: Arc<Proxies>) {
    loop {
        tokio::time::sleep(SAMPLE).await;
        proxies.sample(Local::now());
    }
}
