//! `frpc doctor` in broken networks: it names the cause of each.

#[cfg(test)]
mod certificates;
#[cfg(test)]
mod command;
#[cfg(all(test, target_os = "linux"))]
mod packets;
#[cfg(test)]
mod programs;
#[cfg(test)]
mod proxies;

#[cfg(test)]
mod scene {
    use std::time::Duration;

    use culvert_kit::{Error, Finished, Peer, Result, Role, TempDir, run};

    /// All steps of an examination at the longest, on a busy machine.
    pub(crate) const DONE: Duration = Duration::from_secs(60);

    /// What doctor says in JSON of a file with these lines.
    pub(crate) async fn examined(lines: &str, timeout: &str) -> Result<Finished> {
        let dir = TempDir::new()?;
        let file = dir.write("frpc.toml", lines)?;
        let file = file.to_string_lossy();
        let binary = Peer::Ours.binary(Role::Frpc).await?;
        let binary = binary.ok_or_else(|| Error::wrong("our frpc is missing"))?;
        let args = ["doctor", "-c", &file, "--json", "--timeout", timeout];
        run("frpc", &binary, &args, DONE).await
    }

    /// That this cause is the first, and the exit code as this.
    pub(crate) fn expect(done: &Finished, cause: &str, code: i32) -> Result {
        let first = format!("\"causes\":[{{\"name\":\"{cause}\"");
        let is_json = done.text.starts_with("{\"ok\":") && done.text.lines().count() == 1;
        if done.code == Some(code) && is_json && done.text.contains(&first) {
            return Ok(());
        }
        let found = done.code;
        Err(Error::wrong(format!(
            "not {cause} with {code}, but {found:?}: {}",
            done.text
        )))
    }

    /// The lines that lead to this port of this machine.
    pub(crate) fn at(port: u16, more: &str) -> String {
        format!("serverAddr = \"127.0.0.1\"\nserverPort = {port}\nauth.token = \"x\"\n{more}")
    }
}
