//! What is measured: the rows and the figures of each.

use crate::load::{Load, Work};

/// One kind of measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its name on the command line and in the tables.
    pub(crate) name: &'static str,
    /// What is done, for the tables.
    pub(crate) about: &'static str,
    pub(crate) kind: Kind,
    /// What its table shows; the first is what it is about.
    pub(crate) figures: &'static [Figure],
}

/// How a row is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Users do this for a while.
    Load(Load),
    /// The memory of a pair that nobody uses, and what it grows by with idle connections.
    Idle,
    /// What the server grows by with idle clients.
    Clients,
    /// Everything over long links.
    Links,
}

/// One number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Figure {
    Gigabits,
    PerSecond,
    Median,
    Tail,
    CpuPerGib,
    CpuPerOperation,
    KibPerConnection,
    KibPerClient,
    MibIdle,
    MibPeak,
    Ready,
    MegabitsDown,
    MegabitsUp,
    MegabitsDownFour,
    MedianIdle,
    MedianLoaded,
    TailLoaded,
}

impl Figure {
    pub(crate) const ALL: [Self; 17] = [
        Self::Gigabits,
        Self::PerSecond,
        Self::Median,
        Self::Tail,
        Self::CpuPerGib,
        Self::CpuPerOperation,
        Self::KibPerConnection,
        Self::KibPerClient,
        Self::MibIdle,
        Self::MibPeak,
        Self::Ready,
        Self::MegabitsDown,
        Self::MegabitsUp,
        Self::MegabitsDownFour,
        Self::MedianIdle,
        Self::MedianLoaded,
        Self::TailLoaded,
    ];

    /// Its name in files.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Gigabits => "gbit_s",
            Self::PerSecond => "ops_s",
            Self::Median => "p50_us",
            Self::Tail => "p99_us",
            Self::CpuPerGib => "cpu_s_per_gib",
            Self::CpuPerOperation => "cpu_us_per_op",
            Self::KibPerConnection => "kib_per_conn",
            Self::KibPerClient => "kib_per_client",
            Self::MibIdle => "idle_mib",
            Self::MibPeak => "peak_mib",
            Self::Ready => "ready_s",
            Self::MegabitsDown => "down1_mbit",
            Self::MegabitsUp => "up1_mbit",
            Self::MegabitsDownFour => "down4_mbit",
            Self::MedianIdle => "idle_p50_ms",
            Self::MedianLoaded => "loaded_p50_ms",
            Self::TailLoaded => "loaded_p99_ms",
        }
    }

    /// What a reader sees: what it is, and its unit.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Gigabits => "Gbit/s",
            Self::PerSecond => "per second",
            Self::Median => "p50, µs",
            Self::Tail => "p99, µs",
            Self::CpuPerGib => "CPU, s/GiB",
            Self::CpuPerOperation => "CPU, µs each",
            Self::KibPerConnection => "KiB per connection",
            Self::KibPerClient => "KiB per client in frps",
            Self::MibIdle => "idle pair, MiB",
            Self::MibPeak => "peak, MiB",
            Self::Ready => "ready after, s",
            Self::MegabitsDown => "down, Mbit/s",
            Self::MegabitsUp => "up, Mbit/s",
            Self::MegabitsDownFour => "4 down, Mbit/s",
            Self::MedianIdle => "p50 idle, ms",
            Self::MedianLoaded => "p50 loaded, ms",
            Self::TailLoaded => "p99 loaded, ms",
        }
    }
}

const BULK: &[Figure] = &[Figure::Gigabits, Figure::CpuPerGib];
const ONE: &[Figure] = &[Figure::Median, Figure::Tail, Figure::CpuPerOperation];
const MANY: &[Figure] = &[Figure::PerSecond, Figure::Tail, Figure::CpuPerOperation];

const fn load(
    name: &'static str,
    about: &'static str,
    work: Work,
    users: usize,
    figures: &'static [Figure],
) -> Row {
    let kind = Kind::Load(Load { work, users });
    Row {
        name,
        about,
        kind,
        figures,
    }
}

/// Connections of the row `idle1000`.
pub(crate) const CONNECTIONS: usize = 1000;

/// Clients of the row `clients`.
pub(crate) const CLIENTS: usize = 200;

/// Every row, in the order of the tables.
pub(crate) const ROWS: [Row; 13] = [
    load("up1", "one stream, user to service", Work::Up, 1, BULK),
    load("down1", "one stream, service to user", Work::Down, 1, BULK),
    load("down8", "eight streams at once", Work::Down, 8, BULK),
    load(
        "rr1",
        "64 bytes and their echo, one connection",
        Work::Requests,
        1,
        ONE,
    ),
    load(
        "rr64",
        "the same on 64 connections",
        Work::Requests,
        64,
        MANY,
    ),
    load(
        "connect1",
        "connect, one byte and its echo, close",
        Work::Connects,
        1,
        ONE,
    ),
    load(
        "connect16",
        "the same, 16 users at once",
        Work::Connects,
        16,
        MANY,
    ),
    load(
        "http4",
        "a small page by name, 4 connections kept open",
        Work::Http,
        4,
        MANY,
    ),
    load("http64", "the same on 64 connections", Work::Http, 64, MANY),
    load(
        "udprr",
        "datagrams of 64 bytes and their echo, 8 flows",
        Work::Datagrams,
        8,
        MANY,
    ),
    Row {
        name: "idle1000",
        about: "a pair at rest, and what 1000 idle connections add in both programs",
        kind: Kind::Idle,
        figures: &[Figure::KibPerConnection, Figure::MibIdle],
    },
    Row {
        name: "clients",
        about: "what each of 200 idle clients adds in frps",
        kind: Kind::Clients,
        figures: &[Figure::KibPerClient],
    },
    Row {
        name: "links",
        about: "long links",
        kind: Kind::Links,
        figures: &[
            Figure::MegabitsDown,
            Figure::MegabitsUp,
            Figure::MegabitsDownFour,
            Figure::MedianIdle,
            Figure::MedianLoaded,
            Figure::TailLoaded,
            Figure::Ready,
        ],
    },
];

/// The row under which the peak memory of all loads together is kept.
pub(crate) const PEAK: &str = "peak";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_figure_has_a_key_of_its_own() {
        let keys: BTreeSet<_> = Figure::ALL.iter().map(|f| f.key()).collect();
        assert_eq!(keys.len(), Figure::ALL.len());
        for row in ROWS {
            assert!(row.figures.iter().all(|f| Figure::ALL.contains(f)));
        }
    }
}
