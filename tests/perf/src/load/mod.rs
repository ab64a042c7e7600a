//! The load: what users do to an address, and what they saw of it.
//!
//! One thread drives all users of a run on a runtime of its own. It makes few system calls for
//! each operation, so that it takes little from the programs that are measured.

mod bulk;
mod http;
mod small;

use std::{
    io,
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::{runtime::Builder, task::JoinSet, time::Instant};

/// What each user does, again and again until the time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Sends bytes.
    Up,
    /// Receives bytes.
    Down,
    /// Sends 64 bytes on an open connection and awaits their echo.
    Requests,
    /// Connects, has one byte echoed, and closes.
    Connects,
    /// Asks for a small page on an open connection.
    Http,
    /// Sends a datagram of 64 bytes and awaits its echo.
    Datagrams,
}

/// So many users do the same at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) work: Work,
    pub(crate) users: usize,
}

/// Where the services are, or their public ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) tcp: SocketAddr,
    pub(crate) udp: SocketAddr,
    pub(crate) http: SocketAddr,
}

/// The first byte of a connection to the TCP service: what it is to do with the others.
pub(crate) const ECHO: u8 = b'E';
pub(crate) const SINK: u8 = b'S';
pub(crate) const SOURCE: u8 = b'D';

/// Bytes that the services of this process were sent. What users send is counted where it arrives:
/// a tunnel may hold megabytes that are still under way.
pub(crate) static ARRIVED: AtomicU64 = AtomicU64::new(0);

/// The name under which the web service is published.
pub(crate) const SITE: &str = "web.test";

/// How long an answer may take beyond the end of a run before it counts as an error.
const PATIENCE: Duration = Duration::from_secs(5);

/// In pieces of this length is told how many bytes came when.
pub(crate) const SLOT: Duration = Duration::from_millis(100);

/// What users saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) bytes: u64,
    /// Bytes by [`SLOT`].
    pub(crate) slots: Vec<u64>,
    /// How long each operation took; sorted once a run is over.
    pub(crate) times: Vec<Duration>,
    pub(crate) elapsed: Duration,
    pub(crate) errors: u64,
    pub(crate) first_error: Option<String>,
}

impl Seen {
    fn fail(&mut self, error: &io::Error) {
        self.errors += 1;
        self.first_error.get_or_insert_with(|| error.to_string());
    }

    fn count(&mut self, bytes: usize, since: Instant) {
        self.bytes += bytes as u64;
        let slot = since.elapsed().as_millis() / SLOT.as_millis();
        let slot = usize::try_from(slot).unwrap_or_default();
        if self.slots.len() <= slot {
            self.slots.resize(slot + 1, 0);
        }
        if let Some(so_far) = self.slots.get_mut(slot) {
            *so_far += bytes as u64;
        }
    }

    fn add(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.errors += other.errors;
        self.times.extend(other.times);
        self.first_error = self.first_error.take().or(other.first_error);
        if self.slots.len() < other.slots.len() {
            self.slots.resize(other.slots.len(), 0);
        }
        for (sum, part) in self.slots.iter_mut().zip(other.slots) {
            *sum += part;
        }
    }

    /// The time that `percent` of all operations did not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Option<Duration> {
        let last = self.times.len().checked_sub(1)?;
        self.times.get(last * percent / 100).copied()
    }

    /// Operations per second.
    pub(crate) fn rate(&self) -> f64 {
        self.times.len() as f64 / self.seconds()
    }

    /// Bits per second.
    pub(crate) fn bits(&self) -> f64 {
        self.bytes as f64 * 8.0 / self.seconds()
    }

    fn seconds(&self) -> f64 {
        self.elapsed.as_secs_f64().max(f64::EPSILON)
    }
}

/// Lets the users of `load` work on `target` for `lasting`. It takes this thread all the while.
///
/// # Errors
/// When the system gives no runtime. What users meet is counted, not returned.
pub(crate) fn run(load: Load, target: Target, lasting: Duration) -> io::Result<Seen> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(async {
        let begun = Instant::now();
        let arrived = ARRIVED.load(Ordering::Relaxed);
        let mut users = JoinSet::new();
        for _ in 0..load.users {
            users.spawn(user(load.work, target, begun, begun + lasting));
        }
        let mut all = Seen::default();
        while let Some(seen) = users.join_next().await {
            match seen {
                Ok(seen) => all.add(seen),
                Err(error) => all.fail(&io::Error::other(error)),
            }
        }
        all.elapsed = begun.elapsed();
        if load.work == Work::Up {
            all.bytes = ARRIVED.load(Ordering::Relaxed) - arrived;
        }
        all.times.sort_unstable();
        all
    }))
}

async fn user(work: Work, target: Target, begun: Instant, end: Instant) -> Seen {
    let mut seen = Seen::default();
    let done = match work {
        Work::Up => bulk::send(target.tcp, end).await,
        Work::Down => bulk::receive(target.tcp, &mut seen, begun, end).await,
        Work::Requests => small::requests(target.tcp, &mut seen, end).await,
        Work::Connects => {
            small::connects(target.tcp, &mut seen, end).await;
            Ok(())
        }
        Work::Http => {
            http::pages(target.http, &mut seen, end).await;
            Ok(())
        }
        Work::Datagrams => small::datagrams(target.udp, &mut seen, end).await,
    };
    if let Err(error) = done {
        seen.fail(&error);
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_sorted_times() {
        let mut seen = Seen {
            times: (1..=101).map(Duration::from_micros).collect(),
            elapsed: Duration::from_secs(1),
            ..Seen::default()
        };
        assert_eq!(seen.percentile(50), Some(Duration::from_micros(51)));
        assert_eq!(seen.percentile(99), Some(Duration::from_micros(100)));
        seen.times.clear();
        assert_eq!(seen.percentile(50), None);
    }

    #[test]
    fn users_add_up() {
        let part = |slots: &[u64]| Seen {
            bytes: slots.iter().sum(),
            slots: slots.to_vec(),
            errors: 1,
            first_error: Some(slots.len().to_string()),
            ..Seen::default()
        };
        let mut all = part(&[1]);
        all.add(part(&[2, 3]));
        assert_eq!((all.bytes, all.errors), (6, 2));
        assert_eq!(all.slots, [3, 3]);
        assert_eq!(all.first_error.as_deref(), Some("1"));
    }
}
