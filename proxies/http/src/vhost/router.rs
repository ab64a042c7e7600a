//! Which route serves a host, a path and a user (protocol 5.4; upstream pkg/util/vhost/router.go).

use std::{collections::HashMap, fmt, sync::Arc};

use arc_swap::ArcSwap;
use culvert_proxy::{Lease, ProxyError};
use parking_lot::Mutex;

use super::host::{Name, canonical_host};

/// What a route stands for. Empty fields match everything that no other route claims.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// A host, a wildcard such as `*.web.test`, or `*`.
    pub domain: String,
    /// The beginning of the paths served.
    pub location: String,
    /// The basic-auth user served; empty for all.
    pub user: String,
}

/// A table of routes: read on every request without a lock or an allocation, copied on change.
pub struct Router<T>(Arc<Shared<T>>);

struct Shared<T> {
    table: ArcSwap<Table<T>>,
    /// Held while the table is copied, so that no change is lost.
    writer: Mutex<()>,
}

/// Hosts, then users, then locations in descending order.
type Table<T> = HashMap<Arc<str>, Arc<Host<T>>>;
type Host<T> = HashMap<Arc<str>, Vec<(Arc<str>, T)>>;

impl<T: Clone + Send + Sync + 'static> Router<T> {
    /// A table without routes.
    #[must_use]
    pub fn new() -> Self {
        let table = ArcSwap::from_pointee(HashMap::new());
        Self(Arc::new(Shared {
            table,
            writer: Mutex::new(()),
        }))
    }

    /// Adds a route, until the lease is dropped.
    ///
    /// # Errors
    /// Refused with upstream's `router config conflict` when there is such a route already.
    pub fn register(&self, route: &Route, value: T) -> Result<Lease, ProxyError> {
        let domain: Arc<str> = canonical_host(&route.domain).into();
        let location: Arc<str> = route.location.as_str().into();
        let user: Arc<str> = route.user.as_str().into();
        self.0.change(|table| {
            let host = Arc::make_mut(table.entry(Arc::clone(&domain)).or_default());
            let locations = host.entry(Arc::clone(&user)).or_default();
            // Descending, so that the longest of those that share a beginning comes first.
            match locations.binary_search_by(|(other, _)| location.cmp(other)) {
                Ok(_) => Err(ProxyError::refused("router config conflict")),
                Err(at) => {
                    locations.insert(at, (Arc::clone(&location), value));
                    Ok(())
                }
            }
        })?;
        let shared = Arc::clone(&self.0);
        Ok(Lease::new(move || shared.remove(&domain, &location, &user)))
    }

    /// The route for a request. Neither `host` nor `user` needs preparing; `path` is decoded.
    #[must_use]
    pub fn lookup(&self, host: &str, path: &str, user: &str) -> Option<T> {
        let table = self.0.table.load();
        let mut name = Name::new(host)?;
        if let Some(found) = find(&table, name.as_str(), path, user) {
            return Some(found.clone());
        }
        name.wildcard(|wildcard| find(&table, wildcard, path, user).cloned())
            .or_else(|| find(&table, "*", path, user).cloned())
    }
}

impl<T: Clone> Shared<T> {
    /// Copies the table, changes the copy and puts it in place if the change went well.
    fn change<R, E>(&self, with: impl FnOnce(&mut Table<T>) -> Result<R, E>) -> Result<R, E> {
        let _one_at_a_time = self.writer.lock();
        let mut table = Table::clone(&self.table.load());
        let done = with(&mut table)?;
        self.table.store(Arc::new(table));
        Ok(done)
    }

    fn remove(&self, domain: &str, location: &str, user: &str) {
        let changed: Result<(), ()> = self.change(|table| {
            let host = Arc::make_mut(table.get_mut(domain).ok_or(())?);
            let locations = host.get_mut(user).ok_or(())?;
            locations.retain(|(other, _)| **other != *location);
            if locations.is_empty() {
                host.remove(user);
            }
            if host.is_empty() {
                table.remove(domain);
            }
            Ok(())
        });
        debug_assert!(changed.is_ok(), "a leased route is in the table");
    }
}

/// Routes of `user`, then those of nobody; in each the first location that begins the path.
fn find<'a, T>(table: &'a Table<T>, host: &str, path: &str, user: &str) -> Option<&'a T> {
    let users = table.get(host)?;
    let within = |user: &str| {
        let mut locations = users.get(user)?.iter();
        locations
            .find(|(location, _)| path.starts_with(&**location))
            .map(|(_, value)| value)
    };
    if user.is_empty() {
        within("")
    } else {
        within(user).or_else(|| within(""))
    }
}

impl<T: Clone + Send + Sync + 'static> Default for Router<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for Router<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Router<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router")
            .field("hosts", &self.0.table.load().len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Route, Router};
    use culvert_proxy::Lease;

    fn add(
        router: &Router<&'static str>,
        domain: &str,
        location: &str,
        user: &str,
        value: &'static str,
    ) -> Lease {
        let route = Route {
            domain: domain.into(),
            location: location.into(),
            user: user.into(),
        };
        router.register(&route, value).unwrap()
    }

    #[test]
    fn looks_up_in_the_order_of_upstream() {
        let router = Router::new();
        let _leases = [
            add(&router, "a.web.test", "", "", "exact"),
            add(&router, "a.web.test", "/api", "", "api"),
            add(&router, "a.web.test", "/api/v2", "", "v2"),
            add(&router, "a.web.test", "", "alice", "alice"),
            add(&router, "*.web.test", "", "", "wild"),
            add(&router, "*.web.test", "", "bob", "wild bob"),
            add(&router, "*.deep.web.test", "/x", "", "deep x"),
            add(&router, "*", "/any", "", "any"),
        ];
        for (host, path, user, wanted) in [
            ("a.web.test", "/", "", Some("exact")),
            ("A.WEB.test.:8080", "/", "", Some("exact")),
            ("a.web.test", "/api", "", Some("api")),
            ("a.web.test", "/apix", "", Some("api")),
            ("a.web.test", "/api/v2/y", "", Some("v2")),
            ("a.web.test", "/api/v2/y", "alice", Some("alice")),
            ("a.web.test", "/", "bob", Some("exact")),
            ("b.web.test", "/", "", Some("wild")),
            ("b.web.test", "/", "bob", Some("wild bob")),
            ("y.deep.web.test", "/x", "", Some("deep x")),
            ("y.deep.web.test", "/y", "", Some("wild")),
            ("y.deep.web.test", "/x", "bob", Some("deep x")),
            ("web.test", "/", "", None),
            ("web.test", "/any", "", Some("any")),
            ("other", "/anything", "carol", Some("any")),
            ("other", "/", "", None),
            ("", "/any", "", Some("any")),
            ("*.web.test", "/", "", Some("wild")),
        ] {
            assert_eq!(
                router.lookup(host, path, user),
                wanted,
                "{host} {path} {user}"
            );
        }
    }

    #[test]
    fn a_two_label_name_has_no_wildcard() {
        let router = Router::new();
        let _lease = add(&router, "*.c", "", "", "wild");
        assert_eq!(router.lookup("b.c", "/", ""), None);
        assert_eq!(router.lookup("a.b.c", "/", ""), None);
    }

    #[test]
    fn no_name_finds_the_empty_domain_then_the_star() {
        let router = Router::new();
        let _star = add(&router, "*", "", "", "star");
        assert_eq!(router.lookup("", "", ""), Some("star"));
        let _empty = add(&router, "", "", "", "empty");
        assert_eq!(router.lookup("", "", ""), Some("empty"));
    }

    #[test]
    fn the_same_route_conflicts_until_it_is_freed() {
        let router = Router::new();
        let lease = add(&router, "web.test", "/", "u", "one");
        let _other_location = add(&router, "web.test", "", "u", "two");
        let _other_user = add(&router, "web.test", "/", "", "three");
        let again = Route {
            domain: "WEB.test".into(),
            location: "/".into(),
            user: "u".into(),
        };
        let refused = router.register(&again, "four").unwrap_err();
        assert_eq!(refused.to_string(), "router config conflict");
        assert_eq!(router.lookup("web.test", "/", "u"), Some("one"));
        drop(lease);
        assert_eq!(router.lookup("web.test", "/", "u"), Some("two"));
        let _lease = router.register(&again, "five").unwrap();
        assert_eq!(router.lookup("web.test", "/", "u"), Some("five"));
    }

    #[test]
    fn a_lookup_allocates_nothing() {
        let router = Router::new();
        let _leases = [
            add(&router, "a.web.test", "/api", "bob", "exact"),
            add(&router, "*.web.test", "", "", "wild"),
            add(&router, "*", "/any", "", "any"),
        ];
        let all = [
            ("A.web.TEST.:8080", "/api/x", "bob", Some("exact")),
            ("x.y.z.web.test", "/", "carol", Some("wild")),
            ("[2001:db8::1]:80", "/any", "", Some("any")),
            ("nobody.test", "/", "dave", None),
        ];
        // arc-swap sets up the thread at its first load.
        let _warm = router.lookup("warm.up", "/", "");
        let counted = allocation_counter::measure(|| {
            for (host, path, user, wanted) in all {
                assert_eq!(router.lookup(host, path, user), wanted);
            }
        });
        assert_eq!(counted.count_total, 0);
    }

    #[test]
    fn freed_routes_leave_nothing_behind() {
        let router = Router::new();
        drop(add(&router, "web.test", "/", "u", "one"));
        assert_eq!(format!("{router:?}"), "Router { hosts: 0 }");
    }
}
