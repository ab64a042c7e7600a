//! What a new pair of files is to say.

use std::{fmt::Write as _, path::Path, str::FromStr};

/// The port of http proxies, as browsers expect it.
const HTTP_PORT: u16 = 80;
/// The same for https.
const HTTPS_PORT: u16 = 443;

/// What is wanted.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// The name or address of the server.
    pub(super) server: String,
    /// The port where clients connect to.
    pub(super) port: u16,
    /// What is published.
    pub(super) proxies: Vec<Published>,
}

/// One service to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Published {
    name: String,
    local_port: u16,
    at: At,
}

/// Where users find it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum At {
    Tcp(u16),
    Udp(u16),
    Http(String),
    Https(String),
}

/// What cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum PlanError {
    /// No host.
    #[error("{0:?} is neither a host name nor an address")]
    Host(String),
    /// No port.
    #[error("the port must be from 1 to 65535")]
    Port,
    /// No service.
    #[error(
        "{0:?} is no service; write one as ssh:tcp:22:6000, dns:udp:53:6053 or \
         web:http:8080:www.example.com"
    )]
    Service(String),
    /// Two services of one name.
    #[error("two services are called {0:?}; give one of them another name")]
    Twice(String),
}

impl FromStr for Published {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        let wrong = || PlanError::Service(text.to_owned());
        let parts: Vec<_> = text.split(':').collect();
        let [name, kind, local_port, at] = *parts else {
            return Err(wrong());
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(wrong());
        }
        let port = |text: &str| text.parse().ok().filter(|port| *port != 0);
        let domain = || is_host(at.strip_prefix("*.").unwrap_or(at)).then(|| at.to_owned());
        let at = match kind {
            "tcp" => port(at).map(At::Tcp),
            "udp" => port(at).map(At::Udp),
            "http" => domain().map(At::Http),
            "https" => domain().map(At::Https),
            _ => None,
        };
        Ok(Self {
            name: name.to_owned(),
            local_port: port(local_port).ok_or_else(wrong)?,
            at: at.ok_or_else(wrong)?,
        })
    }
}

impl Published {
    /// What users have to reach.
    fn for_users(&self, server: &str) -> String {
        let what = match &self.at {
            At::Tcp(port) => format!("{server}, TCP port {port}"),
            At::Udp(port) => format!("{server}, UDP port {port}"),
            At::Http(domain) => format!("http://{domain}"),
            At::Https(domain) => format!("https://{domain}"),
        };
        format!("{}: {what}", self.name)
    }
}

/// Whether a text can be the name or the address of a host.
fn is_host(text: &str) -> bool {
    culvert_tls::server_name(text, true).is_ok()
}

impl Plan {
    /// Nothing but a port.
    pub(super) const fn new(port: u16, proxies: Vec<Published>) -> Self {
        Self {
            server: String::new(),
            port,
            proxies,
        }
    }

    /// Whether it can be meant.
    pub(super) fn check(&self) -> Result<(), PlanError> {
        if !is_host(&self.server) {
            return Err(PlanError::Host(self.server.clone()));
        }
        if self.port == 0 {
            return Err(PlanError::Port);
        }
        let mut names: Vec<_> = self.proxies.iter().map(|proxy| &proxy.name).collect();
        names.sort_unstable();
        let twice = names.windows(2).find(|pair| pair.first() == pair.last());
        match twice.and_then(|pair| pair.first()) {
            Some(name) => Err(PlanError::Twice((*name).clone())),
            None => Ok(()),
        }
    }

    /// Where users find what is published, a line each.
    pub(super) fn for_users(&self) -> Vec<String> {
        let proxies = self.proxies.iter();
        proxies.map(|proxy| proxy.for_users(&self.server)).collect()
    }

    /// The file of frps.
    pub(super) fn server_text(&self, token: &str, cert: &Path, key: &Path) -> String {
        let mut text = format!(
            "# frps: the server. Check it with `frps verify -c`, run it with `frps -c`.\n\
             bindPort = {}\n",
            self.port
        );
        if self.proxies.iter().any(|p| matches!(p.at, At::Http(_))) {
            let _infallible = writeln!(text, "vhostHTTPPort = {HTTP_PORT}");
        }
        if self.proxies.iter().any(|p| matches!(p.at, At::Https(_))) {
            let _infallible = writeln!(text, "vhostHTTPSPort = {HTTPS_PORT}");
        }
        let _infallible = write!(
            text,
            "\n# Who knows this may publish services here.\n\
             auth.token = {}\n\n\
             # Clients must use TLS, and verify this certificate.\n\
             transport.tls.force = true\n\
             transport.tls.certFile = {}\n\
             transport.tls.keyFile = {}\n",
            quoted(token),
            quoted(&cert.to_string_lossy()),
            quoted(&key.to_string_lossy()),
        );
        text
    }

    /// The file of frpc.
    pub(super) fn client_text(&self, token: &str, ca: &Path) -> String {
        let mut text = format!(
            "# frpc: the client. Check it with `frpc verify -c`, run it with `frpc -c`.\n\
             serverAddr = {}\n\
             serverPort = {}\n\n\
             # The same as the server's.\n\
             auth.token = {}\n\n\
             # The server is verified with this.\n\
             transport.tls.trustedCaFile = {}\n",
            quoted(&self.server),
            self.port,
            quoted(token),
            quoted(&ca.to_string_lossy()),
        );
        for Published {
            name,
            local_port,
            at,
        } in &self.proxies
        {
            let (kind, where_) = match at {
                At::Tcp(port) => ("tcp", format!("remotePort = {port}")),
                At::Udp(port) => ("udp", format!("remotePort = {port}")),
                At::Http(domain) => ("http", format!("customDomains = [{}]", quoted(domain))),
                At::Https(domain) => ("https", format!("customDomains = [{}]", quoted(domain))),
            };
            let _infallible = write!(
                text,
                "\n[[proxies]]\nname = {}\ntype = \"{kind}\"\nlocalPort = {local_port}\n{where_}\n",
                quoted(name)
            );
        }
        if self.proxies.is_empty() {
            text.push_str(
                "\n# A service to publish:\n# [[proxies]]\n# name = \"ssh\"\n# type = \"tcp\"\n\
                 # localPort = 22\n# remotePort = 6000\n",
            );
        }
        text
    }
}

/// A TOML string, in which braces begin no template.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '{' => quoted.push_str("\\u007B"),
            c if c.is_control() => {
                let _infallible = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
