//! Metrics of the process, under the names of Prometheus' own clients, which upstream's programs
//! have from Go's. They are read from `/proc`; where there is none, the start time remains.

use std::{
    fs,
    sync::OnceLock,
    time::{SystemTime, UNIX_EPOCH},
};

use culvert_http::web::Metrics;

/// Parts of a second in which the kernel tells times to programs (`USER_HZ`, the same on every
/// architecture).
const TICKS: f64 = 100.0;

/// When this process began, as far as we know.
static SEEN: OnceLock<f64> = OnceLock::new();

/// Takes note of the time; call it when the program starts.
pub fn note_start() {
    SEEN.get_or_init(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.map_or(0.0, |now| now.as_secs_f64())
    });
}

/// Adds what is known of this process.
pub fn process_metrics(text: &mut Metrics) {
    note_start();
    let stat = read("/proc/self/stat").and_then(|stat| Times::parse(&stat));
    let booted = read("/proc/stat").and_then(|all| number(&all, "btime "));
    let limits = read("/proc/self/limits");
    let max_files = limits.and_then(|all| number(&all, "Max open files"));
    let status = read("/proc/self/status").unwrap_or_default();
    let memory = |key| number(&status, key).map(|kilobytes| kilobytes * 1024.0);
    let began = stat.as_ref().zip(booted).map(|(t, boot)| boot + t.began);
    for (family, help, value) in [
        (
            ("process_cpu_seconds_total", "counter"),
            "Total user and system CPU time spent in seconds.",
            stat.as_ref().map(|times| times.spent),
        ),
        (
            ("process_max_fds", "gauge"),
            "Maximum number of open file descriptors.",
            max_files,
        ),
        (
            ("process_open_fds", "gauge"),
            "Number of open file descriptors.",
            open_files(),
        ),
        (
            ("process_resident_memory_bytes", "gauge"),
            "Resident memory size in bytes.",
            memory("VmRSS:"),
        ),
        (
            ("process_start_time_seconds", "gauge"),
            "Start time of the process since unix epoch in seconds.",
            began.or_else(|| SEEN.get().copied()),
        ),
        (
            ("process_virtual_memory_bytes", "gauge"),
            "Virtual memory size in bytes.",
            memory("VmSize:"),
        ),
    ] {
        text.family(family, help, value.map(|value| (String::new(), value)));
    }
}

/// What `/proc/self/stat` tells of times, in seconds (proc(5)).
struct Times {
    spent: f64,
    /// After the system began.
    began: f64,
}

impl Times {
    fn parse(stat: &str) -> Option<Self> {
        // The name in parentheses may have spaces; the third field follows it.
        let (_, rest) = stat.rsplit_once(')')?;
        let field = |n: usize| rest.split_whitespace().nth(n - 3)?.parse::<f64>().ok();
        Some(Self {
            spent: (field(14)? + field(15)?) / TICKS,
            began: field(22)? / TICKS,
        })
    }
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// The first number behind `key`.
fn number(text: &str, key: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

fn open_files() -> Option<f64> {
    let open = fs::read_dir("/proc/self/fd").ok()?.count();
    // The one that this reads from is not counted.
    u32::try_from(open.saturating_sub(1)).ok().map(f64::from)
}

#[cfg(test)]
mod tests {
    use super::{Times, number};

    #[test]
    fn times_follow_a_name_with_spaces() {
        let stat = "42 (a ) b) S 1 42 42 0 -1 4194304 1 0 0 0 150 50 0 0 20 0 4 0 12345 0 0";
        let times = Times::parse(stat).unwrap();
        assert_eq!((times.spent, times.began), (2.0, 123.45));
        assert!(Times::parse("42 (a) S 1").is_none());
    }

    #[test]
    fn numbers_stand_behind_their_keys() {
        let status = "Name:\tx\nVmRSS:\t    1024 kB\n";
        assert_eq!(number(status, "VmRSS:"), Some(1024.0));
        assert_eq!(number(status, "VmSize:"), None);
        let limits = "Max open files            1024                 4096      files\n";
        assert_eq!(number(limits, "Max open files"), Some(1024.0));
    }
}
