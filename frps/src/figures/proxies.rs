//! Traffic, connections and times of every proxy (api 2.3).

use std::{
    collections::{BTreeMap, HashMap},
    mem,
    sync::Arc,
};

use chrono::{DateTime, Local, NaiveDate, TimeDelta};
use culvert_io::Meter;
use culvert_proxy::Lease;
use culvert_wire::{ProxyName, msg::NewProxy};
use parking_lot::Mutex;

use super::days::{DAYS, Days, Traffic};

/// For how long a closed proxy is remembered (api 2.3).
const REMEMBERED: TimeDelta = TimeDelta::days(7);
/// Closed proxies that are remembered; clients that invent names cannot fill the memory.
const CLOSED: usize = 4096;

/// Whose proxy it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owner {
    pub(crate) user: String,
    /// The client's name, or its run id.
    pub(crate) client_id: String,
}

impl Owner {
    /// What names the client among all.
    pub(crate) fn key(&self) -> String {
        match &*self.user {
            "" => self.client_id.clone(),
            user => format!("{user}.{}", self.client_id),
        }
    }
}

/// A proxy as it is shown.
#[derive(Clone, Debug)]
pub(crate) struct ProxyRow {
    pub(crate) name: ProxyName,
    pub(crate) kind: String,
    pub(crate) owner: Owner,
    /// What the client asked for, without secrets and with the port it got; `None` once closed.
    pub(crate) ask: Option<Arc<NewProxy>>,
    /// The last days, today first.
    pub(crate) days: [Traffic; DAYS],
    /// Since the server started.
    pub(crate) total: Traffic,
    pub(crate) connections: u64,
    /// Whether there was ever a connection.
    pub(crate) used: bool,
    pub(crate) started: Option<DateTime<Local>>,
    pub(crate) closed: Option<DateTime<Local>>,
}

impl ProxyRow {
    pub(crate) fn today(&self) -> Traffic {
        self.days.first().copied().unwrap_or_default()
    }
}

#[derive(Debug)]
struct Entry {
    kind: String,
    owner: Owner,
    ask: Option<Arc<NewProxy>>,
    meter: Arc<Meter>,
    /// What the meter showed when it was last read.
    read: Traffic,
    days: Days,
    started: Option<DateTime<Local>>,
    closed: Option<DateTime<Local>>,
}

/// All proxies that are and were open.
#[derive(Debug, Default)]
pub(crate) struct Proxies(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    entries: HashMap<ProxyName, Entry>,
    /// Bytes of all proxies, also of those that are forgotten.
    all: Days,
    /// Open proxies by kind; a kind stays, at 0.
    kinds: BTreeMap<String, u64>,
}

impl Proxies {
    /// The meter that a proxy's next connections count into; the old one if it was open before.
    pub(crate) fn meter(&self, name: &ProxyName, kind: &str) -> Arc<Meter> {
        match self.0.lock().entries.get(name) {
            Some(entry) if entry.kind == kind => Arc::clone(&entry.meter),
            _ => Arc::default(),
        }
    }

    /// Notes that a proxy is open, until the lease is dropped. `ask` must hold no secrets.
    pub(crate) fn open(
        self: &Arc<Self>,
        name: ProxyName,
        ask: NewProxy,
        owner: Owner,
        meter: Arc<Meter>,
        now: DateTime<Local>,
    ) -> Lease {
        let kind = ask.proxy_type.clone();
        let mut inner = self.0.lock();
        let Inner { entries, all, .. } = &mut *inner;
        if let Some(entry) = entries.get_mut(&name) {
            entry.sample(all, now.date_naive());
        }
        *inner.kinds.entry(kind.clone()).or_default() += 1;
        match inner.entries.get_mut(&name) {
            Some(entry) if entry.kind == kind => {
                entry.owner = owner;
                entry.ask = Some(Arc::new(ask));
                entry.meter = meter;
                entry.started = Some(now);
            }
            _ => {
                let entry = Entry {
                    kind,
                    owner,
                    ask: Some(Arc::new(ask)),
                    meter,
                    read: Traffic::default(),
                    days: Days::default(),
                    started: Some(now),
                    closed: None,
                };
                inner.entries.insert(name.clone(), entry);
            }
        }
        drop(inner);
        let proxies = Arc::clone(self);
        Lease::new(move || proxies.close(&name, Local::now()))
    }

    fn close(&self, name: &ProxyName, now: DateTime<Local>) {
        let mut inner = self.0.lock();
        let Some(entry) = inner.entries.get_mut(name) else {
            return;
        };
        entry.ask = None;
        entry.closed = Some(now);
        let kind = entry.kind.clone();
        if let Some(open) = inner.kinds.get_mut(&kind) {
            *open = open.saturating_sub(1);
        }
        inner.forget();
    }

    /// Reads every meter, and forgets what closed long ago.
    pub(crate) fn sample(&self, now: DateTime<Local>) {
        let mut inner = self.0.lock();
        inner.sample(now);
        inner
            .entries
            .retain(|_, e| e.ask.is_some() || e.closed.is_none_or(|c| now - c < REMEMBERED));
    }

    /// A copy of all, sorted by kind and name.
    pub(crate) fn rows(&self, now: DateTime<Local>) -> Vec<ProxyRow> {
        let mut inner = self.0.lock();
        inner.sample(now);
        let row = |(name, e): (&ProxyName, &Entry)| e.row(name, now);
        let mut rows: Vec<_> = inner.entries.iter().map(row).collect();
        drop(inner);
        rows.sort_by(|a, b| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)));
        rows
    }

    /// A copy of one.
    pub(crate) fn row(&self, name: &str, now: DateTime<Local>) -> Option<ProxyRow> {
        let mut inner = self.0.lock();
        inner.sample(now);
        let (name, entry) = inner.entries.get_key_value(name)?;
        Some(entry.row(name, now))
    }

    /// Bytes of today, of all proxies.
    pub(crate) fn today(&self, now: DateTime<Local>) -> Traffic {
        let mut inner = self.0.lock();
        inner.sample(now);
        let [today, ..] = inner.all.on(now.date_naive());
        today
    }

    /// Open proxies by kind.
    pub(crate) fn kinds(&self) -> BTreeMap<String, u64> {
        self.0.lock().kinds.clone()
    }

    /// Connections that are open now.
    pub(crate) fn connections(&self) -> u64 {
        let inner = self.0.lock();
        inner.entries.values().map(|e| e.meter.connections()).sum()
    }

    /// Forgets every closed proxy; answers how many of how many were forgotten.
    pub(crate) fn prune(&self, now: DateTime<Local>) -> (usize, usize) {
        let mut inner = self.0.lock();
        inner.sample(now);
        let before = inner.entries.len();
        inner.entries.retain(|_, entry| entry.ask.is_some());
        (before.saturating_sub(inner.entries.len()), before)
    }
}

impl Inner {
    fn sample(&mut self, now: DateTime<Local>) {
        let today = now.date_naive();
        for entry in self.entries.values_mut() {
            entry.sample(&mut self.all, today);
        }
    }

    /// Forgets those that closed first, once there are twice as many as are to be remembered.
    fn forget(&mut self) {
        let open = usize::try_from(self.kinds.values().sum::<u64>()).unwrap_or(usize::MAX);
        if self.entries.len().saturating_sub(open) < 2 * CLOSED {
            return;
        }
        let is_closed = |entry: &&Entry| entry.ask.is_none();
        let closed = self.entries.values().filter(is_closed);
        let mut times: Vec<_> = closed.filter_map(|entry| entry.closed).collect();
        times.sort_unstable();
        let Some(&oldest) = times.get(times.len().saturating_sub(CLOSED)) else {
            return;
        };
        self.entries
            .retain(|_, e| e.ask.is_some() || e.closed.is_none_or(|c| c > oldest));
    }
}

impl Entry {
    fn total(&self) -> Traffic {
        Traffic {
            inward: self.meter.bytes_in(),
            outward: self.meter.bytes_out(),
        }
    }

    /// Counts what moved since it was last asked, here and in `all`.
    fn sample(&mut self, all: &mut Days, today: NaiveDate) {
        let shows = self.total();
        let before = mem::replace(&mut self.read, shows);
        if shows == before {
            return;
        }
        let moved = Traffic {
            inward: shows.inward.saturating_sub(before.inward),
            outward: shows.outward.saturating_sub(before.outward),
        };
        self.days.add(today, moved);
        all.add(today, moved);
    }

    fn row(&self, name: &ProxyName, now: DateTime<Local>) -> ProxyRow {
        ProxyRow {
            name: name.clone(),
            kind: self.kind.clone(),
            owner: self.owner.clone(),
            ask: self.ask.clone(),
            days: self.days.on(now.date_naive()),
            total: self.total(),
            connections: self.meter.connections(),
            used: self.meter.opened() > 0,
            started: self.started,
            closed: self.closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: u32) -> DateTime<Local> {
        let date = NaiveDate::from_ymd_opt(2024, 3, day).unwrap();
        let noon = date.and_hms_opt(12, 0, 0).unwrap();
        noon.and_local_timezone(Local).earliest().unwrap()
    }

    fn open(proxies: &Arc<Proxies>, name: &str, kind: &str, day: u32) -> (Lease, Arc<Meter>) {
        let name = ProxyName::from(name);
        let meter = proxies.meter(&name, kind);
        let ask = NewProxy {
            proxy_type: kind.to_owned(),
            ..NewProxy::default()
        };
        let lease = proxies.open(name, ask, Owner::default(), Arc::clone(&meter), at(day));
        (lease, meter)
    }

    #[test]
    fn traffic_survives_a_reopening_and_ends_with_a_new_kind() {
        let proxies = Arc::new(Proxies::default());
        let (lease, meter) = open(&proxies, "p", "tcp", 1);
        let connection = meter.connected();
        meter.add_in(5);
        drop(lease);
        let row = proxies.row("p", at(1)).unwrap();
        assert!(row.ask.is_none());
        assert_eq!((row.today().inward, row.connections), (5, 1));
        let (_lease, again) = open(&proxies, "p", "tcp", 2);
        assert!(Arc::ptr_eq(&meter, &again));
        again.add_out(3);
        let row = proxies.row("p", at(2)).unwrap();
        assert_eq!((row.today().outward, row.total.inward), (3, 5));
        assert_eq!(row.days[1].inward, 5);
        drop(connection);
        let (_lease, other) = open(&proxies, "p", "udp", 2);
        assert!(!Arc::ptr_eq(&meter, &other));
        assert_eq!(proxies.row("p", at(2)).unwrap().today(), Traffic::default());
        assert_eq!(proxies.today(at(2)).outward, 3);
    }

    #[test]
    fn closed_proxies_are_forgotten() {
        let proxies = Arc::new(Proxies::default());
        let (kept, _) = open(&proxies, "open", "tcp", 1);
        drop(open(&proxies, "closed", "udp", 1));
        assert_eq!(proxies.rows(at(1)).len(), 2);
        let kinds: Vec<_> = proxies.kinds().into_iter().collect();
        assert_eq!(kinds, [("tcp".to_owned(), 1), ("udp".to_owned(), 0)]);
        assert_eq!(proxies.prune(at(1)), (1, 2));
        drop(kept);
        assert!(proxies.row("open", at(1)).is_some());
        proxies.sample(Local::now() + TimeDelta::days(8));
        assert!(proxies.row("open", at(1)).is_none());
    }

    #[test]
    fn invented_names_do_not_pile_up() {
        let proxies = Arc::new(Proxies::default());
        for n in 0..2 * CLOSED + 10 {
            let name = ProxyName::from(n.to_string().as_str());
            let entry = Entry {
                kind: "tcp".to_owned(),
                owner: Owner::default(),
                ask: None,
                meter: Arc::default(),
                read: Traffic::default(),
                days: Days::default(),
                started: None,
                closed: Some(at(1)),
            };
            proxies.0.lock().entries.insert(name, entry);
        }
        drop(open(&proxies, "last", "tcp", 2));
        assert!(proxies.rows(at(2)).len() <= CLOSED);
    }
}
