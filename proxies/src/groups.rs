//! Load balancing groups: proxies of one kind that stand together behind one port or route
//! (protocol 5.7; upstream server/group).

use std::{collections::HashMap, fmt, sync::Arc};

use culvert_proxy::{Lease, Members, ProxyError};
use culvert_wire::msg::NewProxy;
use parking_lot::Mutex;
use subtle::ConstantTimeEq;

/// The groups of one kind, by name: of all users together, as upstream has it.
///
/// `P` is what all members must ask for alike, `M` a member, and `R` the port or route that the
/// first one takes and all share. Cheap to clone.
pub(crate) struct Groups<P, M, R> {
    /// What a proxy is told that asks for something else than the first member.
    mismatch: &'static str,
    open: Arc<Mutex<Open<P, M, R>>>,
}

type Open<P, M, R> = HashMap<String, Group<P, M, R>>;

struct Group<P, M, R> {
    key: String,
    params: P,
    names: Vec<String>,
    members: Arc<Members<M>>,
    shared: R,
}

impl<P, M, R> Groups<P, M, R>
where
    P: PartialEq + Send + Sync + 'static,
    M: Send + Sync + 'static,
    R: Clone + Send + Sync + 'static,
{
    /// No groups yet. `mismatch` is what a proxy is told that asks for something else than the
    /// first member.
    pub(crate) fn new(mismatch: &'static str) -> Self {
        Self {
            mismatch,
            open: Arc::default(),
        }
    }

    /// Puts `member` into the group that `ask` names, or on its own if it names none, until the
    /// lease is dropped. The first one takes with `take` what all share; the last one frees it.
    ///
    /// # Errors
    /// Refused with upstream's texts when the group is another one, the key is wrong, or the proxy
    /// is in it already; and whatever `take` says.
    pub(crate) fn join(
        &self,
        ask: &NewProxy,
        params: P,
        member: M,
        take: impl FnOnce(&Arc<Members<M>>) -> Result<R, ProxyError>,
    ) -> Result<(R, Lease), ProxyError> {
        if ask.group.is_empty() {
            let shared = take(&Members::one(member))?;
            let held = shared.clone();
            return Ok((shared, Lease::new(move || drop(held))));
        }
        let mut open = self.open.lock();
        if let Some(group) = open.get(&ask.group) {
            self.admit(group, ask, &params)?;
        } else {
            let members = Members::none();
            let group = Group {
                shared: take(&members)?,
                key: ask.group_key.clone(),
                params,
                names: Vec::new(),
                members,
            };
            open.insert(ask.group.clone(), group);
        }
        let group = open
            .get_mut(&ask.group)
            .ok_or(ProxyError::Internal("a group is gone"))?;
        group.names.push(ask.proxy_name.clone());
        let seat = group.members.join(member);
        let lease = self.lease(ask, seat);
        Ok((group.shared.clone(), lease))
    }

    fn admit(&self, group: &Group<P, M, R>, ask: &NewProxy, params: &P) -> Result<(), ProxyError> {
        let key = group.key.as_bytes().ct_eq(ask.group_key.as_bytes());
        if group.params != *params {
            Err(ProxyError::refused(self.mismatch))
        } else if !bool::from(key) {
            Err(ProxyError::refused("group auth failed"))
        } else if group.names.contains(&ask.proxy_name) {
            Err(ProxyError::refused("group proxy repeated"))
        } else {
            Ok(())
        }
    }

    fn lease(&self, ask: &NewProxy, seat: Lease) -> Lease {
        let open = Arc::clone(&self.open);
        let (group, proxy) = (ask.group.clone(), ask.proxy_name.clone());
        Lease::new(move || {
            // A member may hold leases of its own: not under the lock.
            drop(seat);
            let mut open = open.lock();
            let Some(left) = open.get_mut(&group) else {
                return;
            };
            left.names.retain(|name| *name != proxy);
            if left.names.is_empty() {
                // Under the lock, so that a new group of this name finds the port or route free.
                open.remove(&group);
            }
        })
    }
}

impl<P, M, R> Clone for Groups<P, M, R> {
    fn clone(&self) -> Self {
        Self {
            mismatch: self.mismatch,
            open: Arc::clone(&self.open),
        }
    }
}

impl<P, M, R> fmt::Debug for Groups<P, M, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Groups")
            .field("open", &self.open.lock().len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use culvert_proxy::{Lease, Members, ProxyError};
    use culvert_wire::msg::NewProxy;

    use super::Groups;

    type Shared = Arc<(Arc<Members<&'static str>>, Lease)>;

    struct World {
        groups: Groups<u8, &'static str, Shared>,
        taken: Arc<AtomicUsize>,
    }

    impl World {
        fn new() -> Self {
            Self {
                groups: Groups::new("other parameters"),
                taken: Arc::default(),
            }
        }

        /// A proxy of this name in `group` with `key`, which asks for `params`.
        fn join(
            &self,
            name: &'static str,
            (group, key): (&str, &str),
            params: u8,
        ) -> Result<(Shared, Lease), ProxyError> {
            let ask = NewProxy {
                proxy_name: name.to_owned(),
                group: group.to_owned(),
                group_key: key.to_owned(),
                ..NewProxy::default()
            };
            self.groups.join(&ask, params, name, |members| {
                self.taken.fetch_add(1, Ordering::Relaxed);
                let taken = Arc::clone(&self.taken);
                let free = Lease::new(move || {
                    taken.fetch_sub(1, Ordering::Relaxed);
                });
                Ok(Arc::new((Arc::clone(members), free)))
            })
        }

        fn taken(&self) -> usize {
            self.taken.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn members_share_what_the_first_takes_and_the_last_frees() {
        let world = World::new();
        let (shared, a) = world.join("a", ("g", "k"), 1).unwrap();
        let (same, b) = world.join("b", ("g", "k"), 1).unwrap();
        assert!(Arc::ptr_eq(&shared, &same));
        let firsts = [(); 2].map(|()| *shared.0.turn().first().unwrap());
        assert!(firsts.contains(&"a") && firsts.contains(&"b"));
        drop((shared, same));
        drop(a);
        assert_eq!(world.taken(), 1);
        let (shared, c) = world.join("c", ("g", "k"), 1).unwrap();
        assert_eq!(world.taken(), 1);
        drop((shared, b, c));
        assert_eq!(world.taken(), 0);
        // The next one may be another group altogether.
        let _other = world.join("d", ("g", "other"), 2).unwrap();
    }

    #[test]
    fn who_does_not_belong_is_told_why() {
        let world = World::new();
        let _first = world.join("a", ("g", "k"), 1).unwrap();
        for (name, key, params, text) in [
            ("b", "k", 2, "other parameters"),
            ("b", "", 2, "other parameters"),
            ("b", "x", 1, "group auth failed"),
            ("b", "", 1, "group auth failed"),
            ("a", "k", 1, "group proxy repeated"),
        ] {
            let refused = world.join(name, ("g", key), params).unwrap_err();
            assert_eq!(refused.to_string(), text);
        }
        let _other_group = world.join("b", ("h", "x"), 2).unwrap();
        assert_eq!(world.taken(), 2);
    }

    #[test]
    fn without_a_group_everyone_is_alone() {
        let world = World::new();
        let (_, a) = world.join("a", ("", ""), 1).unwrap();
        let (b, lease) = world.join("b", ("", ""), 1).unwrap();
        assert_eq!(world.taken(), 2);
        drop(a);
        assert_eq!(b.0.turn().order().count(), 1);
        drop((b, lease));
        assert_eq!(world.taken(), 0);
    }

    #[test]
    fn what_cannot_be_taken_makes_no_group() {
        let world = World::new();
        let ask = NewProxy {
            group: "g".to_owned(),
            ..NewProxy::default()
        };
        let failed = world
            .groups
            .join(&ask, 1, "a", |_| Err(ProxyError::refused("taken")));
        assert_eq!(failed.unwrap_err().to_string(), "taken");
        let _next = world.join("b", ("g", "other key"), 2).unwrap();
    }
}
