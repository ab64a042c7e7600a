//! Networks of their own inside this machine, for tests that need several hosts (Linux, root).

use std::{fs::File, io, os::fd::AsFd, path::Path, process::Stdio, thread};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::process::Command;

use crate::{Error, Program, Result, random_hex};

/// One network with interfaces, routes and ports of its own; gone when dropped.
#[derive(Debug)]
pub struct Namespace(String);

impl Namespace {
    /// An empty network, whose name begins with `role`.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub async fn new(role: &str) -> Result<Self> {
        let name = format!("culvert-{role}-{}", random_hex(4)?);
        script("ip netns add \"$1\"\nip -n \"$1\" link set lo up", &[&name]).await?;
        Ok(Self(name))
    }

    /// Its name, as `ip netns` knows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Starts `binary` in it, as [`Program::start`] does.
    ///
    /// # Errors
    /// As there.
    pub fn start(&self, name: &str, binary: &Path, args: &[&str]) -> Result<Program> {
        let binary = std::path::absolute(binary).map_err(Error::io("find a program"))?;
        let binary = binary.to_string_lossy();
        let all = [&["netns", "exec", self.name(), &binary], args].concat();
        Program::start(name, Path::new("ip"), &all)
    }

    /// Makes `rules`, in the language of nft, the firewall of this network in place of the one that
    /// it has; without any, everything passes.
    ///
    /// # Errors
    /// When a rule cannot be meant.
    pub async fn firewall(&self, rules: &str) -> Result {
        let lines = "printf 'flush ruleset\\n%s\\n' \"$2\" | ip netns exec \"$1\" nft -f -";
        script(lines, &[self.name(), rules]).await
    }

    /// Does `work` on a thread of this network. What it opens stays there.
    ///
    /// # Errors
    /// Those of `work`, and when the system does not let us in.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> io::Result<T> + Send) -> Result<T> {
        let file = format!("/run/netns/{}", self.0);
        let entered = || {
            let network = File::open(&file)?;
            move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?;
            work()
        };
        let done = thread::scope(|scope| scope.spawn(entered).join());
        let done = done.map_err(|_| Error::wrong("a thread in a network of its own panicked"))?;
        done.map_err(Error::io(format!("work inside {}", self.0)))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Best effort: an empty network harms nobody.
        let mut command = std::process::Command::new("ip");
        command
            .args(["netns", "del", &self.0])
            .stderr(Stdio::null());
        drop(command.status());
    }
}

/// Runs lines of shell, which see `args` as `$1` and so on.
///
/// # Errors
/// When a line fails; what it said is quoted.
pub(crate) async fn script(lines: &str, args: &[&str]) -> Result {
    let mut command = Command::new("sh");
    command.args(["-ec", lines, "sh"]).args(args);
    let done = command.output().await.map_err(Error::io("run sh"))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(Error::wrong(format!("a script failed: {}", said.trim())))
}
