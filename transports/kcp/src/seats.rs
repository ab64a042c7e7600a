//! How many conversations may exist with peers that have not shown that they are where they say.
//!
//! UDP sources can be forged, so that every datagram may come from somebody new.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;

/// Strangers in all; each holds some 43 KiB of what it sent at most, so 44 MiB at the worst.
const TOTAL: usize = 1024;
/// Strangers from one address. Without a mux every user's connection is a conversation, and each
/// is a stranger for one round trip.
const FROM_ONE_ADDRESS: usize = 256;
/// Ended conversations that are remembered.
const GRAVES: usize = 4096;
/// For how long: what a peer sends again arrives within this time.
const REMEMBERED: Duration = Duration::from_secs(120);

/// Counts strangers; a place is held until the peer is known or gone.
#[derive(Debug, Default)]
pub(crate) struct Seats {
    taken: Mutex<HashMap<IpAddr, usize>>,
}

/// A stranger's place; dropping it makes room.
#[derive(Debug)]
pub(crate) struct Seat {
    address: IpAddr,
    seats: Arc<Seats>,
}

impl Seats {
    /// A place for one more stranger, unless there are too many.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Seat> {
        let mut taken = self.taken.lock();
        let here = taken.get(&address).copied().unwrap_or_default();
        if here >= FROM_ONE_ADDRESS || taken.values().sum::<usize>() >= TOTAL {
            return None;
        }
        taken.insert(address, here + 1);
        Some(Seat {
            address,
            seats: Arc::clone(self),
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock();
        if let Some(here) = taken.get_mut(&self.address) {
            *here = here.saturating_sub(1);
            if *here == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

/// Conversations that ended a moment ago: nothing that belongs to them begins a new one.
#[derive(Debug, Default)]
pub(crate) struct Graves {
    set: HashSet<(SocketAddr, u32)>,
    order: VecDeque<(Instant, (SocketAddr, u32))>,
}

impl Graves {
    pub(crate) fn bury(&mut self, addr: SocketAddr, conv: u32) {
        let now = Instant::now();
        self.forget(now);
        if self.set.insert((addr, conv)) {
            self.order.push_back((now, (addr, conv)));
        }
    }

    pub(crate) fn holds(&mut self, addr: SocketAddr, conv: u32) -> bool {
        self.forget(Instant::now());
        self.set.contains(&(addr, conv))
    }

    fn forget(&mut self, now: Instant) {
        while let Some((at, key)) = self.order.front().copied() {
            if self.order.len() < GRAVES && now.duration_since(at) < REMEMBERED {
                break;
            }
            self.order.pop_front();
            self.set.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_per_address_and_in_all() {
        let seats = Arc::new(Seats::default());
        let one = IpAddr::from([10, 0, 0, 1]);
        let held: Vec<_> = std::iter::from_fn(|| seats.admit(one)).take(5000).collect();
        assert_eq!(held.len(), FROM_ONE_ADDRESS);
        let more: Vec<_> = (0..5000u32)
            .filter_map(|n| seats.admit(IpAddr::from(n.to_be_bytes())))
            .collect();
        assert_eq!(held.len() + more.len(), TOTAL);
        drop((held, more));
        assert!(seats.taken.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn graves_are_bounded_and_forgotten() {
        let mut graves = Graves::default();
        let addr = SocketAddr::from(([10, 0, 0, 1], 1));
        for conv in 0..10_000 {
            graves.bury(addr, conv);
        }
        assert!(graves.set.len() <= GRAVES && graves.order.len() <= GRAVES);
        assert!(graves.holds(addr, 9_999));
        assert!(!graves.holds(addr, 1));
        tokio::time::advance(REMEMBERED).await;
        assert!(!graves.holds(addr, 9_999));
        assert!(graves.set.is_empty());
    }
}
