//! The checks of `servers`.

use super::{Checker, client::secret, optional, path};
use crate::raw::servers::RawServerEntry;
use crate::servers::{ServerEntry, ServerPlace, ServerPolicy, Servers};

/// The most servers of one client: each costs a session of its own.
const MOST: usize = 16;

/// What else of the file says where the server is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Elsewhere {
    pub(super) has_addr: bool,
    pub(super) has_port: bool,
}

impl Checker<'_> {
    pub(super) fn servers(
        &mut self,
        raw: Vec<RawServerEntry>,
        policy: &str,
        elsewhere: Elsewhere,
    ) -> Option<Servers> {
        let gist = "invalid serverPolicy, optional values are [failover active-active latency]";
        let policies = [
            ("", ServerPolicy::Failover),
            ("failover", ServerPolicy::Failover),
            ("active-active", ServerPolicy::ActiveActive),
            ("latency", ServerPolicy::Latency),
        ];
        let is_chosen = !policy.is_empty();
        let policy = self.choice("serverPolicy", policy, gist, &policies);
        if raw.is_empty() {
            if is_chosen {
                let text = "serverPolicy is ignored because there are no servers";
                self.warn("serverPolicy", text);
            }
            return None;
        }
        for (key, is_there) in [
            ("serverAddr", elsewhere.has_addr),
            ("serverPort", elsewhere.has_port),
        ] {
            if is_there {
                let gist = format!("cannot specify both {key} and servers");
                self.conflict(
                    key,
                    gist,
                    "make it one of the servers, or remove one of the two",
                );
            }
        }
        if raw.len() > MOST {
            let found = raw.len();
            let gist = format!("there are {found} servers, and {MOST} at most");
            self.conflict("servers", gist, format!("remove {} of them", found - MOST));
        }
        let entries = raw.into_iter().enumerate();
        let list: Vec<_> = entries
            .map(|(at, entry)| self.server_entry(at, entry))
            .collect();
        let names: Vec<_> = list
            .iter()
            .map(|entry| entry.name.as_str())
            .enumerate()
            .collect();
        self.unique("server", "servers", &names);
        Some(Servers { policy, list })
    }

    fn server_entry(&mut self, index: usize, raw: RawServerEntry) -> ServerEntry {
        let key = |name: &str| format!("servers[{index}].{name}");
        let port_key = key("port");
        let place = match (raw.addr, raw.srv) {
            (addr, srv) if addr.is_empty() && srv.is_empty() => {
                self.missing(&key("addr"), "a server needs an addr, or srv");
                ServerPlace::Srv(String::new())
            }
            (addr, srv) if srv.is_empty() => ServerPlace::Address {
                addr,
                port: match self.port(&port_key, "port", raw.port) {
                    0 => 7000,
                    port => port,
                },
            },
            (addr, srv) => {
                let (path, other) = if addr.is_empty() {
                    (port_key, "port")
                } else {
                    (key("addr"), "addr")
                };
                if !addr.is_empty() || raw.port != 0 {
                    let gist = format!("cannot specify both {path} and {}", key("srv"));
                    let remedy = format!("remove {other}: the records of srv have it");
                    self.conflict(&path, gist, remedy);
                }
                ServerPlace::Srv(srv)
            }
        };
        let own = match &place {
            ServerPlace::Address { addr, port } if addr.contains(':') && !addr.starts_with('[') => {
                format!("[{addr}]:{port}")
            }
            ServerPlace::Address { addr, port } => format!("{addr}:{port}"),
            ServerPlace::Srv(domain) => format!("srv:{domain}"),
        };
        let protocol = optional(raw.protocol).map(|word| {
            let table = self.free_table(&word);
            (self.protocol(&key("protocol"), &word), table)
        });
        ServerEntry {
            name: super::text(raw.name, &own),
            place,
            protocol,
            token: secret(raw.token),
            tls_server_name: optional(raw.tls.server_name),
            trusted_ca: path(raw.tls.trusted_ca_file),
        }
    }
}
