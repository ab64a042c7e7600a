//! What a program writes.

use std::process::Stdio;

use culvert_conf::Secret;
use tokio::process::Command;

use super::{LONGEST, SourceError, bounded};

/// The standard output of `command`, or more than it may have.
///
/// *Cancel safety*: the program is killed.
pub(super) async fn output(
    command: &str,
    args: &[String],
    env: &[(String, Secret)],
) -> Result<Vec<u8>, SourceError> {
    let failed = |source| SourceError::Command {
        command: command.to_owned(),
        source,
    };
    let mut child = Command::new(command)
        .args(args)
        .envs(env.iter().map(|(name, value)| (name, value.expose())))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let bytes = match child.stdout.take() {
        Some(stdout) => bounded(stdout).await.map_err(failed)?,
        None => Vec::new(),
    };
    if bytes.len() as u64 > LONGEST {
        // It may go on for ever; dropping it ends it.
        return Ok(bytes);
    }
    let status = child.wait().await.map_err(failed)?;
    if !status.success() {
        return Err(SourceError::Failed {
            command: command.to_owned(),
            status,
        });
    }
    Ok(bytes)
}
