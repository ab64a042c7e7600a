//! How many peers may be connected that have not yet said who they are.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;

/// Strangers in all. Each costs a socket, a task and at most 64 KiB: half a GiB at the worst.
const TOTAL: usize = 8192;
/// Strangers from one address; clients behind one NAT log in by the hundred after an outage.
const FROM_ONE_ADDRESS: usize = 1024;

/// Counts strangers; a place is held until the peer is known or gone.
#[derive(Debug, Default)]
pub(crate) struct Strangers {
    seats: Mutex<Seats>,
}

#[derive(Debug, Default)]
struct Seats {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A stranger's place; dropping it makes room.
#[derive(Debug)]
pub(crate) struct Seat {
    address: IpAddr,
    strangers: Weak<Strangers>,
}

impl Strangers {
    /// A place for one more stranger, unless there are too many.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Seat> {
        let mut seats = self.seats.lock();
        if seats.total >= TOTAL {
            return None;
        }
        let here = seats.by_address.entry(address).or_default();
        if *here >= FROM_ONE_ADDRESS {
            return None;
        }
        *here += 1;
        seats.total += 1;
        Some(Seat {
            address,
            strangers: Arc::downgrade(self),
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some(strangers) = self.strangers.upgrade() else {
            return;
        };
        let mut seats = strangers.seats.lock();
        seats.total = seats.total.saturating_sub(1);
        if let Some(here) = seats.by_address.get_mut(&self.address) {
            *here = here.saturating_sub(1);
            if *here == 0 {
                seats.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{net::IpAddr, sync::Arc};

    use super::{FROM_ONE_ADDRESS, Strangers, TOTAL};

    #[test]
    fn one_address_cannot_take_every_place() {
        let strangers = Arc::new(Strangers::default());
        let one = IpAddr::from([10, 0, 0, 1]);
        let seats: Vec<_> = (0..FROM_ONE_ADDRESS)
            .map(|_| strangers.admit(one).unwrap())
            .collect();
        assert!(strangers.admit(one).is_none());
        assert!(strangers.admit(IpAddr::from([10, 0, 0, 2])).is_some());
        drop(seats);
        assert!(strangers.admit(one).is_some());
        assert!(strangers.seats.lock().by_address.is_empty());
    }

    #[test]
    fn the_total_is_bounded() {
        let strangers = Arc::new(Strangers::default());
        let seats: Vec<_> = (0..TOTAL)
            .map(|n| {
                strangers
                    .admit(IpAddr::from(u32::try_from(n).unwrap().to_be_bytes()))
                    .unwrap()
            })
            .collect();
        assert!(strangers.admit(IpAddr::from([1, 2, 3, 4])).is_none());
        drop(seats);
    }
}
