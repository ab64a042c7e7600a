//! The proxies behind one port or route: one alone, or the members of a load balancing group,
//! who take turns (protocol 5.7).

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use culvert_io::Stream;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::{Lease, ProxyError, ServerCx, UserAddrs};

/// How long a member that gave no work connection is asked only after the others: about as long as
/// the mux needs to find out that its client is gone (protocol 2.3: 30 s and 10 s).
const REST: Duration = Duration::from_secs(30);

/// How many members are asked for one user. Each may take `userConnTimeout`, so that a user waits
/// no more than three times as long as for a proxy without a group.
const TRIES: usize = 3;

/// The proxies behind one port or route. Read for every user without a lock.
pub struct Members<T> {
    all: ArcSwap<Vec<Arc<Member<T>>>>,
    turns: AtomicUsize,
}

/// One of the [`Members`].
pub struct Member<T> {
    proxy: T,
    rests_until: Mutex<Option<Instant>>,
}

/// The members in the order in which they are to be asked for one user.
pub struct Turn<T> {
    all: Arc<Vec<Arc<Member<T>>>>,
    first: usize,
}

impl<T: Send + Sync + 'static> Members<T> {
    /// Nobody yet.
    #[must_use]
    pub fn none() -> Arc<Self> {
        Arc::new(Self {
            all: ArcSwap::default(),
            turns: AtomicUsize::new(0),
        })
    }

    /// A proxy without a group.
    #[must_use]
    pub fn one(proxy: T) -> Arc<Self> {
        let members = Self::none();
        members.all.store(Arc::new(vec![Member::new(proxy)]));
        members
    }

    /// Adds a member, until the lease is dropped.
    pub fn join(self: &Arc<Self>, proxy: T) -> Lease {
        let new = Member::new(proxy);
        self.change(|all| all.push(Arc::clone(&new)));
        let members = Arc::clone(self);
        Lease::new(move || members.change(|all| all.retain(|one| !Arc::ptr_eq(one, &new))))
    }

    /// The proxy, if it is one alone.
    #[must_use]
    pub fn only(&self) -> Option<T>
    where
        T: Clone,
    {
        match self.all.load().as_slice() {
            [one] => Some(one.proxy.clone()),
            _ => None,
        }
    }

    /// The next turn.
    #[must_use]
    pub fn turn(&self) -> Turn<T> {
        let all = self.all.load_full();
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        let first = turn.checked_rem(all.len()).unwrap_or(0);
        Turn { all, first }
    }

    fn change(&self, with: impl Fn(&mut Vec<Arc<Member<T>>>)) {
        self.all.rcu(|all| {
            let mut all = Vec::clone(all);
            with(&mut all);
            all
        });
    }
}

impl<T> Member<T> {
    fn new(proxy: T) -> Arc<Self> {
        Arc::new(Self {
            proxy,
            rests_until: Mutex::new(None),
        })
    }

    /// The proxy.
    pub const fn proxy(&self) -> &T {
        &self.proxy
    }

    /// Notes that the member gave no work connection: others are asked first for a while.
    pub fn rest(&self) {
        *self.rests_until.lock() = Some(Instant::now() + REST);
    }

    fn rests(&self, now: Instant) -> bool {
        self.rests_until.lock().is_some_and(|until| until > now)
    }
}

impl<T> Turn<T> {
    /// The members to ask, one after the other: from the one whose turn it is, with those that
    /// rest behind the others. At most three.
    pub fn order(&self) -> impl Iterator<Item = &Member<T>> {
        let (before, from) = self.all.split_at_checked(self.first).unwrap_or_default();
        let rotated = from.iter().chain(before).map(Arc::as_ref);
        // Settled now: who is asked in vain must not come up once more.
        let mut order = [None; TRIES];
        if self.is_alone() {
            order
                .iter_mut()
                .zip(rotated)
                .for_each(|(slot, one)| *slot = Some(one));
        } else {
            let now = Instant::now();
            let ready = rotated.clone().filter(|one| !one.rests(now));
            let all = ready.chain(rotated.filter(|one| one.rests(now)));
            order
                .iter_mut()
                .zip(all)
                .for_each(|(slot, one)| *slot = Some(one));
        }
        order.into_iter().flatten()
    }

    /// Whether there is nobody to take turns with.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.all.len() < 2
    }

    /// The member to ask first; none when all have left.
    #[must_use]
    pub fn first(&self) -> Option<&T> {
        self.order().next().map(Member::proxy)
    }
}

impl Turn<Arc<dyn ServerCx>> {
    /// A work connection for one user, and the proxy that it is of. When a member has none, nothing
    /// of the user's bytes is lost, and the next member is asked.
    ///
    /// *Cancel safety*: a work connection in hand is closed.
    ///
    /// # Errors
    /// The last member's.
    pub async fn work_conn(
        &self,
        user: UserAddrs,
    ) -> Result<(Arc<dyn ServerCx>, Stream), ProxyError> {
        let mut last = ProxyError::NoWorkConn("all members of the group have left");
        for member in self.order() {
            let proxy = member.proxy();
            match proxy.work_conn(user).await {
                Ok(work) => return Ok((Arc::clone(proxy), work)),
                Err(error) => {
                    tracing::debug!("[{}] has no work connection: {error}", proxy.name());
                    member.rest();
                    last = error;
                }
            }
        }
        Err(last)
    }
}

impl<T> fmt::Debug for Turn<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn")
            .field("first", &self.first)
            .field("of", &self.all.len())
            .finish()
    }
}

impl<T: fmt::Debug> fmt::Debug for Member<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.proxy.fmt(f)
    }
}

impl<T> fmt::Debug for Members<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Members")
            .field("count", &self.all.load().len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Member, Members, REST};

    fn order(members: &Members<&'static str>) -> Vec<&'static str> {
        members.turn().order().map(|one| *one.proxy()).collect()
    }

    #[test]
    fn members_take_turns_and_leave() {
        let members = Members::none();
        assert!(members.turn().first().is_none());
        let _a = members.join("a");
        let b = members.join("b");
        let _c = members.join("c");
        let _d = members.join("d");
        assert_eq!(order(&members), ["b", "c", "d"]);
        assert_eq!(order(&members), ["c", "d", "a"]);
        drop(b);
        let firsts: Vec<_> = (0..6).map(|_| order(&members)[0]).collect();
        for name in ["a", "c", "d"] {
            assert_eq!(firsts.iter().filter(|one| **one == name).count(), 2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_gave_nothing_is_asked_last_for_a_while() {
        let members = Members::none();
        let _a = members.join("a");
        let _b = members.join("b");
        members.turn().order().for_each(|one| {
            if *one.proxy() == "b" {
                one.rest();
            }
        });
        for _ in 0..3 {
            assert_eq!(order(&members), ["a", "b"]);
        }
        tokio::time::advance(REST).await;
        let firsts = [order(&members)[0], order(&members)[0]];
        assert!(firsts.contains(&"a") && firsts.contains(&"b"));
    }

    #[tokio::test]
    async fn one_alone_never_rests() {
        let members = Members::one("a");
        members.turn().order().for_each(Member::rest);
        assert_eq!(order(&members), ["a"]);
    }

    #[tokio::test]
    async fn nobody_is_asked_twice_for_one_user() {
        let members = Members::none();
        let _leases = [members.join("a"), members.join("b")];
        let turn = members.turn();
        let asked = turn.order().inspect(|one| one.rest()).count();
        assert_eq!(asked, 2);
        assert_eq!(members.turn().order().count(), 2);
    }

    #[test]
    fn leaving_twice_at_once_takes_out_only_oneself() {
        let members = Members::none();
        let leases: Vec<_> = (0..100).map(|n| members.join(n)).collect();
        std::thread::scope(|scope| {
            for lease in leases {
                scope.spawn(move || drop(lease));
            }
        });
        assert_eq!(Arc::clone(&members).turn().first(), None);
    }
}
