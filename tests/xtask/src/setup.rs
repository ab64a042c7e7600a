//! Installs what the tests need beyond the Rust toolchain, by name, where that can be done.

use std::process::Stdio;

use tokio::process::Command;

use crate::{cargo::shown, error::Result, out::say};

/// A program that tests use, the package it is in, and what is left out without it.
struct Tool {
    program: &'static str,
    /// An argument with which it ends at once.
    question: &'static str,
    package: &'static str,
    without: &'static str,
}

const fn tool(
    program: &'static str,
    question: &'static str,
    package: &'static str,
    without: &'static str,
) -> Tool {
    Tool {
        program,
        question,
        package,
        without,
    }
}

const TOOLS: &[Tool] = &[
    tool(
        "go",
        "version",
        "golang-go",
        "tests against Go's mux and TLS",
    ),
    tool("curl", "--version", "curl", "tests with curl"),
    tool("wrk", "-v", "wrk", "tests under the load of wrk"),
    tool("chromium", "--version", "chromium", "tests in a browser"),
    tool("ip", "-V", "iproute2", "tests in networks of their own"),
    tool(
        "nft",
        "--version",
        "nftables",
        "tests through emulated NATs",
    ),
    tool("ssh", "-V", "openssh-client", "tests of the SSH gateway"),
];

pub(crate) async fn run() -> Result {
    let mut missing = Vec::new();
    for tool in TOOLS {
        if works(tool.program, tool.question).await {
            say(&format!("setup: {} is there", tool.program));
        } else {
            missing.push(tool);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = missing.iter().map(|tool| tool.package).collect();
    let names = packages.join(" ");
    if !works("apt-get", "--version").await || user().await.as_deref() != Some("0") {
        for tool in &missing {
            let (program, without) = (tool.program, tool.without);
            say(&format!(
                "setup: {program} is not installed; {without} skip themselves"
            ));
        }
        say(&format!("setup: to run them: apt-get install {names}"));
        return Ok(());
    }
    say(&format!("setup: installing {names} with apt-get"));
    shown("apt-get update", Command::new("apt-get").arg("update")).await?;
    let args = ["install", "--yes", "--no-install-recommends"];
    let mut install = Command::new("apt-get");
    let install = install.args(args).args(&packages);
    shown(&format!("apt-get install {names}"), install).await
}

async fn works(program: &str, question: &str) -> bool {
    let mut command = Command::new(program);
    command
        .arg(question)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().await.is_ok() // wrk says its version and fails
}

async fn user() -> Option<String> {
    let asked = Command::new("id").arg("-u").output().await.ok()?;
    Some(String::from_utf8_lossy(&asked.stdout).trim().to_owned())
}
