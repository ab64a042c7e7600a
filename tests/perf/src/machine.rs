//! The machine on which it was measured.

use std::{fs, thread};

use serde_json::{Value, json};

/// What matters of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: u64,
    pub(crate) kernel: String,
    pub(crate) memory_gib: u64,
}

impl Machine {
    /// This one (proc(5)).
    pub(crate) fn this() -> Self {
        let read = |file| fs::read_to_string(file).unwrap_or_default();
        let cores = thread::available_parallelism().map_or(0, |n| n.get() as u64);
        let kib = field(&read("/proc/meminfo"), "MemTotal");
        let kib = kib.trim_end_matches(" kB").parse().unwrap_or(0_u64);
        let version = read("/proc/version");
        Self {
            cpu: field(&read("/proc/cpuinfo"), "model name"),
            cores,
            // "Linux version 6.1.0 …"
            kernel: version.split(' ').take(3).collect::<Vec<_>>().join(" "),
            memory_gib: (kib + (1 << 19)) >> 20,
        }
    }

    /// In one line.
    pub(crate) fn line(&self) -> String {
        let Self {
            cpu,
            cores,
            kernel,
            memory_gib,
        } = self;
        format!("{cpu}, {cores} cores, {memory_gib} GiB of memory, {kernel}")
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "cpu": self.cpu,
            "cores": self.cores,
            "kernel": self.kernel,
            "memory_gib": self.memory_gib,
        })
    }

    pub(crate) fn from_json(value: &Value) -> Option<Self> {
        let word = |key| Some(value.get(key)?.as_str()?.to_owned());
        Some(Self {
            cpu: word("cpu")?,
            cores: value.get("cores")?.as_u64()?,
            kernel: word("kernel")?,
            memory_gib: value.get("memory_gib")?.as_u64()?,
        })
    }
}

/// The value of `name` in lines of `name : value`.
fn field(text: &str, name: &str) -> String {
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    let found = fields.find(|(key, _)| key.trim() == name);
    found.map_or_else(String::new, |(_, value)| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_survives_a_file() {
        let this = Machine::this();
        assert_eq!(Machine::from_json(&this.to_json()), Some(this));
        assert_eq!(field("a : b\nMemTotal:  12 kB\n", "MemTotal"), "12 kB");
    }
}
