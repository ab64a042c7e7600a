//! Which way won on which network, in memory and, if wanted, in a file.

use std::{
    collections::BTreeMap,
    fs, io,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use culvert_io::network;
use serde::{Deserialize, Serialize};

/// Networks that are remembered; a laptop that travels sees fewer in a year.
const NETWORKS: usize = 64;
/// The largest file that is read: the entries above with long names, many times over.
const FILE: u64 = 256 * 1024;

/// What won on one network.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
struct Entry {
    /// The rung, as it prints.
    rung: String,
    /// Seconds since 1970.
    seen: u64,
}

/// The winners by network and server.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(transparent)]
struct Winners(BTreeMap<String, Entry>);

impl Winners {
    fn note(&mut self, place: &str, rung: &str, seen: u64) {
        let rung = rung.to_owned();
        self.0.insert(place.to_owned(), Entry { rung, seen });
        while self.0.len() > NETWORKS {
            let oldest = self.0.iter().min_by_key(|(_, entry)| entry.seen);
            let Some(place) = oldest.map(|(place, _)| place.clone()) else {
                break;
            };
            self.0.remove(&place);
        }
    }

    fn read(file: &Path) -> io::Result<Self> {
        let size = fs::metadata(file)?.len();
        if size > FILE {
            return Err(io::Error::other(format!("{size} bytes are too many")));
        }
        Ok(serde_json::from_slice(&fs::read(file)?)?)
    }
}

/// The winners of one server.
#[derive(Debug, Default)]
pub(super) struct Memory {
    winners: Winners,
    file: Option<PathBuf>,
}

impl Memory {
    /// Reads the file if there is one; one that cannot be read is as good as none.
    pub(super) fn open(file: Option<&Path>) -> Self {
        let winners = file.map(Winners::read).and_then(|read| match read {
            Ok(winners) => Some(winners),
            Err(err) if err.kind() == io::ErrorKind::NotFound => None,
            Err(err) => {
                tracing::warn!("transport.auto.stateFile cannot be read, starting anew: {err}");
                None
            }
        });
        Self {
            winners: winners.unwrap_or_default(),
            file: file.map(Path::to_owned),
        }
    }

    /// The rung that won at `place`.
    pub(super) fn winner(&self, place: &str) -> Option<&str> {
        Some(&self.winners.0.get(place)?.rung)
    }

    /// Notes a winner; answers how to write that down, if it is to be and is new.
    pub(super) fn note(&mut self, place: &str, rung: &str) -> Option<Note> {
        let is_new = self.winner(place) != Some(rung);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let seen = now.map_or(0, |now| now.as_secs());
        self.winners.note(place, rung, seen);
        Some(Note {
            file: self.file.clone().filter(|_| is_new)?,
            place: place.to_owned(),
            rung: rung.to_owned(),
            seen,
        })
    }
}

/// A winner that is to be written down.
#[derive(Debug)]
pub(super) struct Note {
    file: PathBuf,
    place: String,
    rung: String,
    seen: u64,
}

impl Note {
    /// Adds it to the file, which several servers may share. Blocks.
    pub(super) fn write(&self) {
        let mut winners = Winners::read(&self.file).unwrap_or_default();
        winners.note(&self.place, &self.rung, self.seen);
        let written = serde_json::to_vec_pretty(&winners)
            .map_err(io::Error::from)
            .and_then(|text| culvert_program::write_whole(&self.file, &text));
        if let Err(err) = written {
            let file = self.file.display();
            tracing::warn!("transport.auto.stateFile {file} cannot be written: {err}");
        }
    }
}

/// The network that the machine is on, as seen from a way to `host`: the address that packets leave
/// from, and the router. Asks nobody.
pub(super) fn place(host: &str, port: u16, from: Option<IpAddr>) -> String {
    // Addresses for documentation (RFC 5737, RFC 3849) stand for all that is far away.
    let far = ["192.0.2.1", "2001:db8::1"].map(|ip| ip.parse().ok());
    let hosts = std::iter::once(host.parse::<IpAddr>().ok()).chain(far);
    let source = hosts
        .flatten()
        .find_map(|ip| network::source(SocketAddr::new(ip, port), from).ok());
    let source = source.map_or_else(|| "nowhere".to_owned(), |ip| ip.to_string());
    match gateway() {
        Some(gateway) => format!("{source} via {gateway} to {host}:{port}"),
        None => format!("{source} to {host}:{port}"),
    }
}

/// The interface of the default route and its router, where the system shows them in files (Linux,
/// proc(5)): `eth0 0101A8C0`.
fn gateway() -> Option<String> {
    let routes = fs::read_to_string("/proc/net/route").ok()?;
    routes.lines().skip(1).find_map(|line| {
        let mut words = line.split_whitespace();
        let (device, to, router) = (words.next()?, words.next()?, words.next()?);
        (to == "00000000").then(|| format!("{device} {router}"))
    })
}

#[cfg(test)]
mod tests {
    use culvert_kit::TempDir;

    use super::*;

    #[test]
    fn winners_come_back_from_the_file() {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("paths.json");
        let mut memory = Memory::open(Some(&file));
        assert_eq!(memory.winner("home"), None);
        memory.note("home", "quic a:7000").unwrap().write();
        assert!(memory.note("home", "quic a:7000").is_none());
        memory.note("office", "wss a:443").unwrap().write();
        let memory = Memory::open(Some(&file));
        assert_eq!(memory.winner("home"), Some("quic a:7000"));
        assert_eq!(memory.winner("office"), Some("wss a:443"));
        assert_eq!(memory.winner("train"), None);
    }

    #[test]
    fn a_broken_file_is_as_good_as_none() {
        let dir = TempDir::new().unwrap();
        let file = dir.write("paths.json", "[1, 2").unwrap();
        let mut memory = Memory::open(Some(&file));
        assert_eq!(memory.winner("home"), None);
        memory.note("home", "tcp a:7000").unwrap().write();
        assert_eq!(Memory::open(Some(&file)).winner("home"), Some("tcp a:7000"));
    }

    #[test]
    fn the_oldest_networks_are_forgotten() {
        let mut winners = Winners::default();
        for n in 0..100_u64 {
            winners.note(&format!("net {n}"), "tcp a:1", n);
        }
        assert_eq!(winners.0.len(), NETWORKS);
        assert!(winners.0.contains_key("net 99") && !winners.0.contains_key("net 35"));
    }

    #[test]
    fn without_a_file_nothing_is_written() {
        let mut memory = Memory::default();
        assert!(memory.note("home", "tcp a:1").is_none());
        assert_eq!(memory.winner("home"), Some("tcp a:1"));
    }

    #[test]
    fn the_network_has_a_name_without_a_network_too() {
        let here = place("127.0.0.1", 7000, None);
        assert!(here.starts_with("127.0.0.1 ") && here.ends_with(" to 127.0.0.1:7000"));
    }
}
