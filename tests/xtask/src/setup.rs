//! Installs what the tests need beyond the Rust toolchain, by name, where that can be done.

use std::process::Stdio;

use tokio::process::Command;

use crate::{cargo::shown, error::Result, out::say};

/// The tests talk to Go's own implementations of the mux and of TLS.
const GO_ADVICE: &str = "go is not installed; the tests against Go's mux and TLS skip themselves. \
                         To run them: apt-get install golang-go";

pub(crate) async fn run() -> Result {
    if works("go", "version").await {
        say("setup: go is there");
        return Ok(());
    }
    if !works("apt-get", "--version").await || user().await.as_deref() != Some("0") {
        say(GO_ADVICE);
        return Ok(());
    }
    say("setup: installing golang-go with apt-get");
    shown("apt-get update", Command::new("apt-get").arg("update")).await?;
    let args = ["install", "--yes", "--no-install-recommends", "golang-go"];
    shown(
        "apt-get install golang-go",
        Command::new("apt-get").args(args),
    )
    .await
}

async fn works(program: &str, question: &str) -> bool {
    let mut command = Command::new(program);
    command
        .arg(question)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}

async fn user() -> Option<String> {
    let asked = Command::new("id").arg("-u").output().await.ok()?;
    Some(String::from_utf8_lossy(&asked.stdout).trim().to_owned())
}
