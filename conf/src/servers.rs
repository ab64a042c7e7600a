//! Several servers in place of one, and what the client is told for each of them.

use std::path::PathBuf;

use crate::client::{ClientConfig, Protocol};
use crate::extend::FreeTable;
use crate::types::{AuthMethod, Secret};

/// Which of several servers publish the proxies (`serverPolicy`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ServerPolicy {
    /// The first of the list that works.
    #[default]
    Failover,
    /// All at once.
    ActiveActive,
    /// The one that answers fastest.
    Latency,
}

impl ServerPolicy {
    /// The word used in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failover => "failover",
            Self::ActiveActive => "active-active",
            Self::Latency => "latency",
        }
    }
}

/// The `servers` of a file, in the order of preference.
#[derive(Debug, Clone, PartialEq)]
pub struct Servers {
    /// Which of them publish.
    pub policy: ServerPolicy,
    /// One to sixteen of them.
    pub list: Vec<ServerEntry>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerEntry {
    /// What it is called; no two are called the same.
    pub name: String,
    /// Where it is.
    pub place: ServerPlace,
    /// In place of `transport.protocol`, with the free table of a transport beyond upstream's.
    pub protocol: Option<(Protocol, FreeTable)>,
    /// In place of `auth.token`.
    pub token: Option<Secret>,
    /// In place of `transport.tls.serverName`.
    pub tls_server_name: Option<String>,
    /// In place of `transport.tls.trustedCaFile`.
    pub trusted_ca: Option<PathBuf>,
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerPlace {
    /// There.
    Address {
        /// Its name or address.
        addr: String,
        /// Its port.
        port: u16,
    },
    /// Where the SRV records of this domain say (RFC 2782).
    Srv(String),
}

impl ClientConfig {
    /// What the client is told for each of its servers, as if there were only that one; with the
    /// server's name. Only this configuration, without a name, where the file has no `servers`.
    #[must_use]
    pub fn for_each_server(&self) -> Vec<(String, Self)> {
        match &self.servers {
            None => vec![(String::new(), self.clone())],
            Some(servers) => {
                let of = |entry: &ServerEntry| (entry.name.clone(), self.for_server(entry));
                servers.list.iter().map(of).collect()
            }
        }
    }

    fn for_server(&self, entry: &ServerEntry) -> Self {
        let mut own = self.clone();
        own.servers = None;
        match &entry.place {
            ServerPlace::Address { addr, port } => {
                own.server_addr.clone_from(addr);
                own.server_port = *port;
            }
            ServerPlace::Srv(domain) => {
                own.server_addr.clone_from(domain);
                own.server_srv = Some(domain.clone());
            }
        }
        if let Some((protocol, table)) = &entry.protocol {
            own.transport.protocol = protocol.clone();
            own.transport.own = table.clone();
        }
        if let Some(token) = &entry.token {
            own.auth.method = match own.auth.method {
                AuthMethod::Oidc { oidc, .. } => AuthMethod::Oidc {
                    oidc,
                    token: token.clone(),
                },
                AuthMethod::Token { .. } | AuthMethod::TokenSource(_) => AuthMethod::Token {
                    token: token.clone(),
                },
            };
        }
        if let Some(tls) = &mut own.transport.tls.enabled {
            if entry.tls_server_name.is_some() {
                tls.server_name.clone_from(&entry.tls_server_name);
            }
            if entry.trusted_ca.is_some() {
                tls.trusted_ca.clone_from(&entry.trusted_ca);
            }
            // The records come unsigned: the domain was meant, not what they name (RFC 6125,
            // section 6.2.1).
            if let (ServerPlace::Srv(domain), None) = (&entry.place, &tls.server_name) {
                tls.server_name = Some(domain.clone());
            }
        }
        own
    }
}

#[cfg(test)]
mod tests;
