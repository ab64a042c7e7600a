//! Which ports are taken, and which port each proxy name had last. No sockets here.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use culvert_conf::PortRanges;
use tokio::time::Instant;

use super::PortError;

/// How long a released port stays the first choice of its proxy name (protocol 7).
const REMEMBERED_FOR: Duration = Duration::from_secs(24 * 3600);

/// How many names are remembered: with [`NAME_MAX`] at most 1 MiB of names, chosen by clients.
const REMEMBERED_NAMES: usize = 4096;

/// Longer names are not remembered; real ones have some tens of bytes.
const NAME_MAX: usize = 256;

#[derive(Debug)]
pub(super) struct Table {
    allow: PortRanges,
    used: BTreeSet<u16>,
    last: HashMap<String, LastPort>,
}

#[derive(Clone, Copy, Debug)]
struct LastPort {
    port: u16,
    released: Instant,
}

impl Table {
    pub(super) fn allow(&mut self, allow: PortRanges) {
        self.allow = allow;
    }

    pub(super) fn new(allow: PortRanges) -> Self {
        Self {
            allow,
            used: BTreeSet::new(),
            last: HashMap::new(),
        }
    }

    /// Marks `port` as taken.
    pub(super) fn reserve(&mut self, port: u16) -> Result<(), PortError> {
        if !self.allow.contains(port) {
            return Err(PortError::NotAllowed);
        }
        if self.used.insert(port) {
            Ok(())
        } else {
            Err(PortError::AlreadyUsed)
        }
    }

    /// Frees `port` and remembers it for `name`.
    pub(super) fn release(&mut self, port: u16, name: Option<&str>) {
        self.used.remove(&port);
        let Some(name) = name.filter(|name| name.len() <= NAME_MAX) else {
            return;
        };
        if self.last.len() >= REMEMBERED_NAMES && !self.last.contains_key(name) {
            self.forget_some();
        }
        let last = LastPort {
            port,
            released: Instant::now(),
        };
        self.last.insert(name.to_owned(), last);
    }

    /// Drops what is too old; if nothing is, the oldest.
    fn forget_some(&mut self) {
        self.last
            .retain(|_, last| last.released.elapsed() < REMEMBERED_FOR);
        if self.last.len() < REMEMBERED_NAMES {
            return;
        }
        let oldest = self.last.iter().min_by_key(|(_, last)| last.released);
        if let Some(name) = oldest.map(|(name, _)| name.clone()) {
            self.last.remove(&name);
        }
    }

    /// The port that `name` had last.
    pub(super) fn last_port_of(&self, name: &str) -> Option<u16> {
        let last = self.last.get(name)?;
        (last.released.elapsed() < REMEMBERED_FOR).then_some(last.port)
    }

    /// The free port that the random number `draw` points at.
    pub(super) fn free_port(&self, draw: u32) -> Option<u16> {
        let free = || self.allow.ports().filter(|port| !self.used.contains(port));
        // One pass over at most 65535 ports, only when a client leaves the choice to us.
        let count = u32::try_from(free().count()).ok()?;
        let nth = usize::try_from(draw.checked_rem(count)?).ok()?;
        free().nth(nth)
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.last.len()
    }
}
