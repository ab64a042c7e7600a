//! What a running program takes from the system.

use std::fs;

/// Figures of one process; what the system does not tell is `None` (anything but Linux).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Resident memory in bytes.
    pub rss: Option<u64>,
    /// The part of it that is no mapped file, in bytes: what the program itself asked for. The rest
    /// comes and goes with the program text that happens to run and that the system reclaims.
    pub anonymous: Option<u64>,
    /// The most that it was so far.
    pub peak: Option<u64>,
    /// Processor time used so far, in clock ticks (1/100 s on every common Linux).
    pub cpu_ticks: Option<u64>,
    /// Open file descriptors.
    pub fds: Option<usize>,
}

impl Usage {
    /// Reads the figures of the process `pid` from `/proc` (proc(5)).
    #[must_use]
    pub fn of(pid: u32) -> Self {
        let read = |file| fs::read_to_string(format!("/proc/{pid}/{file}")).ok();
        let status = read("status");
        Self {
            rss: status.as_deref().and_then(|s| bytes(s, "VmRSS:")),
            anonymous: status.as_deref().and_then(|s| bytes(s, "RssAnon:")),
            peak: status.as_deref().and_then(|s| bytes(s, "VmHWM:")),
            cpu_ticks: read("stat").as_deref().and_then(ticks),
            fds: fs::read_dir(format!("/proc/{pid}/fd"))
                .ok()
                .map(Iterator::count),
        }
    }
}

fn bytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

/// User and system time: fields 14 and 15, counted after the program name, which is in brackets
/// and may hold spaces.
fn ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_their_places() {
        let status = "Name:\tx\nVmHWM:\t 15 kB\nVmRSS:\t    12 kB\n";
        assert_eq!(bytes(status, "VmRSS:"), Some(12 * 1024));
        assert_eq!(bytes(status, "VmHWM:"), Some(15 * 1024));
        assert_eq!(ticks("7 (a b) S 1 2 3 4 5 6 7 8 9 10 30 12 0 0"), Some(42));
        assert_eq!(ticks(""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_figures() {
        let usage = Usage::of(std::process::id());
        assert!(usage.rss.unwrap() > usage.anonymous.unwrap());
        assert!(usage.cpu_ticks.is_some());
        assert!(usage.fds.unwrap() > 0);
    }
}
