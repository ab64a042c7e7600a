//! What a transport may be told: options that all have, and a free table of its own.

use std::{fmt, net::IpAddr, path::PathBuf, time::Duration};

use serde::de::DeserializeOwned;

/// The options of one transport.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Options {
    /// Options that every transport understands or ignores.
    pub common: Common,
    /// For transports that encrypt by themselves ([`Traits::encrypted`](crate::Traits)).
    pub tls: TlsOptions,
    /// The proxy that a dial goes through (`transport.proxyURL`); transports that do not run over
    /// TCP ignore it, as upstream does (protocol 2.5).
    pub proxy: Option<ProxyUrl>,
    /// `host:port` of the server that names are asked from (`dnsServer`) instead of the system.
    pub dns: Option<String>,
    /// The transport's own table, `[transport.<name>]`, not looked at by anybody else.
    pub table: toml::Table,
}

/// The transport's own table may hold secrets and is not shown.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("common", &self.common)
            .field("tls", &self.tls)
            .field("proxy", &self.proxy)
            .field("dns", &self.dns)
            .finish_non_exhaustive()
    }
}

/// Options that do not depend on the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Common {
    /// How long one dial may take, over all addresses of the name.
    pub dial_timeout: Duration,
    /// Idle time and interval of TCP keepalive probes; `None` turns them off.
    pub keepalive: Option<Duration>,
    /// Source address of dials (`transport.connectServerLocalIP`).
    pub bind_ip: Option<IpAddr>,
    /// A mux is put on what is dialled: bytes beyond what the network takes wait there, where
    /// small frames overtake large ones, and not in the socket.
    pub muxed: bool,
}

/// What the keys under `transport.tls` say, for transports that encrypt by themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsOptions {
    /// Our own certificate and its key, PEM files.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// The PEM file of the authority that the peer is verified against; without it nobody is.
    pub trusted_ca: Option<PathBuf>,
    /// The name to send and to verify instead of the target's host.
    pub server_name: Option<String>,
}

/// The address of a proxy, with its credentials; they are not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl(String);

impl ProxyUrl {
    /// Takes the text as it is; who dials reads it.
    #[must_use]
    pub const fn new(url: String) -> Self {
        Self(url)
    }

    /// The text with its credentials.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyUrl(..)")
    }
}

impl TlsOptions {
    /// Options with these files and this name; see the fields.
    #[must_use]
    pub const fn new(
        identity: Option<(PathBuf, PathBuf)>,
        trusted_ca: Option<PathBuf>,
        server_name: Option<String>,
    ) -> Self {
        Self {
            identity,
            trusted_ca,
            server_name,
        }
    }
}

/// Upstream's default for `transport.dialServerTimeout` (protocol 2.1).
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// Upstream's default for `transport.dialServerKeepalive` and `transport.tcpKeepalive`
/// (protocol 2.1).
const KEEPALIVE: Duration = Duration::from_secs(7200);

impl Default for Common {
    fn default() -> Self {
        Self {
            dial_timeout: DIAL_TIMEOUT,
            keepalive: Some(KEEPALIVE),
            bind_ip: None,
            muxed: false,
        }
    }
}

/// A transport's own table does not fit.
#[derive(Debug, thiserror::Error)]
#[error("transport options: {0}")]
pub struct OptionsError(String);

impl Options {
    /// Options with these common values and an empty table.
    #[must_use]
    pub fn new(common: Common) -> Self {
        Self {
            common,
            ..Self::default()
        }
    }

    /// The same options with what `transport.tls` says.
    #[must_use]
    pub fn with_tls(mut self, tls: TlsOptions) -> Self {
        self.tls = tls;
        self
    }

    /// The same options with a proxy for dials over TCP.
    #[must_use]
    pub fn with_proxy(mut self, proxy: Option<ProxyUrl>) -> Self {
        self.proxy = proxy;
        self
    }

    /// The same options with a server to ask names from.
    #[must_use]
    pub fn with_dns(mut self, dns: Option<String>) -> Self {
        self.dns = dns;
        self
    }

    /// The same options with the transport's own table.
    #[must_use]
    pub fn with_table(mut self, table: toml::Table) -> Self {
        self.table = table;
        self
    }

    /// Reads the transport's own table. Give `T` the attribute `serde(deny_unknown_fields)`, so
    /// that a key nobody knows is an error that names it.
    ///
    /// # Errors
    /// A key is missing, unknown or of the wrong type.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, OptionsError> {
        let table = toml::Value::Table(self.table.clone());
        table
            .try_into()
            .map_err(|e| OptionsError(e.to_string().trim_end().to_owned()))
    }
}

impl Common {
    /// The same options with another dial timeout.
    #[must_use]
    pub const fn with_dial_timeout(mut self, dial_timeout: Duration) -> Self {
        self.dial_timeout = dial_timeout;
        self
    }

    /// The same options with another keepalive; `None` turns it off.
    #[must_use]
    pub const fn with_keepalive(mut self, keepalive: Option<Duration>) -> Self {
        self.keepalive = keepalive;
        self
    }

    /// The same options with a source address for dials.
    #[must_use]
    pub const fn with_bind_ip(mut self, bind_ip: Option<IpAddr>) -> Self {
        self.bind_ip = bind_ip;
        self
    }

    /// The same with [`muxed`](Self::muxed).
    #[must_use]
    pub const fn with_mux(mut self, muxed: bool) -> Self {
        self.muxed = muxed;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Mine {
        speed: u32,
    }

    fn options(text: &str) -> Options {
        Options::default().with_table(text.parse().unwrap())
    }

    #[test]
    fn own_table_is_parsed() {
        assert_eq!(options("speed = 3").parse::<Mine>().unwrap().speed, 3);
    }

    #[test]
    fn unknown_key_is_named() {
        let err = options("speed = 3\nsped = 4").parse::<Mine>().unwrap_err();
        assert!(err.to_string().contains("sped"), "{err}");
    }
}
