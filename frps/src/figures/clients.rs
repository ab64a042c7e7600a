//! Which clients are and were here (api 2.1).

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use culvert_proxy::Lease;
use culvert_wire::{RunId, Version};
use parking_lot::Mutex;

/// Clients that are remembered after they left; the ones longest gone are forgotten first.
const GONE: usize = 4096;

/// A client that logs in.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) user: String,
    /// What the client calls itself; empty if it does not.
    pub(crate) client_id: String,
    pub(crate) run_id: RunId,
    pub(crate) version: String,
    pub(crate) wire: Version,
    pub(crate) hostname: String,
    pub(crate) ip: String,
}

/// A client as it is shown. Times are Unix seconds.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) arrived: Arrived,
    pub(crate) first_connected: i64,
    pub(crate) last_connected: i64,
    /// When it left; `None` while it is here.
    pub(crate) left: Option<i64>,
}

impl Client {
    /// What names the client among those of its user.
    pub(crate) fn id(&self) -> &str {
        if self.arrived.client_id.is_empty() {
            self.arrived.run_id.as_str()
        } else {
            &self.arrived.client_id
        }
    }

    /// What names the client among all.
    pub(crate) fn key(&self) -> String {
        let (user, id) = (&self.arrived.user, self.id());
        if user.is_empty() {
            id.to_owned()
        } else {
            format!("{user}.{id}")
        }
    }

    pub(crate) const fn is_online(&self) -> bool {
        self.left.is_none()
    }
}

/// The name is taken by another client that is here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("client_id [{client_id}] for user [{user}] is already online")]
pub(crate) struct TakenClientId {
    client_id: String,
    user: String,
}

/// User, and what names the client among those of its user.
type Key = (String, String);

/// Every client that is here, and the named ones that left.
#[derive(Debug, Default)]
pub(crate) struct Clients(Mutex<HashMap<Key, Client>>);

impl Clients {
    /// Notes that a client is here, until the lease is dropped.
    ///
    /// # Errors
    /// Another session is here under the same name of the same user.
    pub(crate) fn arrive(
        self: &Arc<Self>,
        arrived: Arrived,
        now: i64,
    ) -> Result<Lease, TakenClientId> {
        let run_id = arrived.run_id.clone();
        let mut client = Client {
            first_connected: now,
            last_connected: now,
            left: None,
            arrived,
        };
        let key = (client.arrived.user.clone(), client.id().to_owned());
        let mut clients = self.0.lock();
        if let Some(old) = clients.get(&key) {
            if old.is_online() && old.arrived.run_id != run_id {
                let (user, client_id) = key;
                return Err(TakenClientId { client_id, user });
            }
            client.first_connected = old.first_connected;
        }
        clients.insert(key.clone(), client);
        drop(clients);
        let all = Arc::clone(self);
        Ok(Lease::new(move || {
            all.leave(&key, &run_id, chrono::Utc::now().timestamp());
        }))
    }

    fn leave(&self, key: &Key, run_id: &RunId, now: i64) {
        let mut clients = self.0.lock();
        let Some(client) = clients.get_mut(key) else {
            return;
        };
        if client.arrived.run_id != *run_id {
            return;
        }
        if client.arrived.client_id.is_empty() {
            clients.remove(key);
            return;
        }
        client.left = Some(now);
        client.arrived.run_id = RunId::from("");
        forget(&mut clients);
    }

    /// A copy of all, sorted as upstream sorts them.
    pub(crate) fn all(&self) -> Vec<Client> {
        let mut all: Vec<_> = self.0.lock().values().cloned().collect();
        all.sort_by(|a, b| (&a.arrived.user, a.id()).cmp(&(&b.arrived.user, b.id())));
        all
    }

    /// How many are here.
    pub(crate) fn online(&self) -> usize {
        self.0.lock().values().filter(|c| c.is_online()).count()
    }
}

/// Forgets the half that left first, once there are twice as many as are to be remembered.
fn forget(clients: &mut HashMap<Key, Client>) {
    if clients.len() < 2 * GONE {
        return;
    }
    let mut gone: Vec<_> = clients.values().filter_map(|c| c.left).collect();
    if gone.len() < 2 * GONE {
        return;
    }
    gone.sort_unstable_by_key(|left| Reverse(*left));
    let Some(&oldest) = gone.get(GONE) else {
        return;
    };
    clients.retain(|_, c| c.left.is_none_or(|left| left > oldest));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrived(user: &str, client_id: &str, run_id: &str) -> Arrived {
        Arrived {
            user: user.to_owned(),
            client_id: client_id.to_owned(),
            run_id: RunId::from(run_id),
            version: "0.70.1".to_owned(),
            wire: Version::V1,
            hostname: String::new(),
            ip: "192.0.2.7".to_owned(),
        }
    }

    #[test]
    fn nameless_clients_vanish_and_named_ones_stay() {
        let clients = Arc::new(Clients::default());
        let nameless = clients.arrive(arrived("u", "", "r1"), 10).unwrap();
        let named = clients.arrive(arrived("", "c", "r2"), 11).unwrap();
        let keys: Vec<_> = clients.all().iter().map(Client::key).collect();
        assert_eq!(keys, ["c", "u.r1"]);
        assert_eq!(clients.online(), 2);
        drop((nameless, named));
        let [left] = &clients.all()[..] else {
            panic!("one client is remembered");
        };
        assert_eq!(
            (left.key().as_str(), left.arrived.run_id.as_str()),
            ("c", "")
        );
        assert!(!left.is_online());
        let again = clients.arrive(arrived("", "c", "r3"), 20).unwrap();
        let back = clients.all().remove(0);
        assert_eq!((back.first_connected, back.last_connected), (11, 20));
        assert!(back.is_online());
        drop(again);
    }

    #[test]
    fn a_name_is_held_by_one_run() {
        let clients = Arc::new(Clients::default());
        let first = clients.arrive(arrived("u", "c", "r1"), 1).unwrap();
        let other = clients.arrive(arrived("u", "c", "r2"), 2);
        assert_eq!(
            other.unwrap_err().to_string(),
            "client_id [c] for user [u] is already online"
        );
        // The same run again, and its old session ends late.
        let second = clients.arrive(arrived("u", "c", "r1"), 3).unwrap();
        drop(second);
        drop(first);
        assert_eq!(clients.online(), 0);
    }

    #[test]
    fn only_so_many_are_remembered() {
        let clients = Arc::new(Clients::default());
        for n in 0..3 * GONE {
            let lease = clients
                .arrive(arrived("u", &n.to_string(), "r"), 1)
                .unwrap();
            drop(lease);
        }
        assert!(clients.all().len() < 2 * GONE);
    }
}
