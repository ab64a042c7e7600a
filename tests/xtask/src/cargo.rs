//! Runs cargo, showing what it says.

use std::{
    ffi::OsString,
    process::{Output, Stdio},
};

use tokio::process::Command;

use crate::error::{Error, Result};

/// The cargo that runs this program, so that both use one toolchain.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.args(args).kill_on_drop(true);
    command
}

/// Runs `command`, which is called `what`, with its output on the terminal.
pub(crate) async fn shown(what: &str, command: &mut Command) -> Result {
    let status = command.status().await.map_err(Error::io(what))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::found(format!("{what} failed")))
}

/// Runs `command`, which is called `what`, and returns what it printed.
pub(crate) async fn read(what: &str, command: &mut Command) -> Result<String> {
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(Error::io(what))?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&stdout).into_owned());
    }
    Err(Error::found(format!(
        "{what} failed: {}",
        String::from_utf8_lossy(&stderr).trim()
    )))
}
