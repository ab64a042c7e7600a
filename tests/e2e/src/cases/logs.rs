//! What the programs write down: files instead of the console, JSON, a line for each user.

use std::{path::Path, time::Duration};

use culvert_kit::{
    Error, Program, Result, TempDir, echo_once, eventually, free_port, http_get, tcp_echo, web,
};

use super::scene;
use crate::{Pairing, SOON, local};

/// Log files say what the console said; the access log has a line for each connection and each
/// request, with its proxy, its bytes and its end. Only for our own pair.
///
/// # Errors
/// When a line is missing, or is no JSON.
pub async fn files(pairing: Pairing) -> Result {
    let dir = TempDir::new()?;
    let (echo, page) = (tcp_echo().await?, web("page").await?);
    let (remote, vhost) = (free_port()?, free_port()?);
    let lines = |side: &str| {
        let path = |name: &str| dir.path().join(format!("new/{side}{name}.log"));
        format!(
            "log.to = {:?}\nlog.access = {:?}\nlog.format = \"json\"",
            path(""),
            path("-access")
        )
    };
    let scene = scene!(pairing)
        .server(&format!("vhostHTTPPort = {vhost}\n{}", lines("frps")))
        .client(&lines("frpc"))
        .proxy(
            "echo",
            "tcp",
            echo.addr(),
            &format!("remotePort = {remote}"),
        )
        .proxy(
            "site",
            "http",
            page.addr(),
            "customDomains = [\"site.test\"]",
        );
    let mut frps = scene.start_unseen_frps().await?;
    let mut frpc = scene.start_frpc("loginFailExit = false")?;
    for name in ["echo", "site"] {
        let line = [
            format!("\"of\":[\"{name}\"]"),
            "\"start proxy success\"".to_owned(),
        ];
        has(&dir.path().join("new/frpc.log"), &line).await?;
    }
    echo_once(local(remote), 3, 5000).await?;
    http_get(local(vhost), "site.test", "/").await?;
    let (served, back) = ("\"bytes_in\":5000", "\"bytes_out\":5000");
    for (file, parts) in [
        (
            "frps-access",
            vec!["\"echo\"]", served, back, "\"from_transport\":\"tcp\""],
        ),
        ("frpc-access", vec!["\"of\":[\"echo\"]", served, back]),
        (
            "frps-access",
            vec![
                "\"site\"]",
                "\"host\":\"site.test\"",
                "\"status\":200",
                "\"bytes_out\":4",
            ],
        ),
    ] {
        has(&dir.path().join(format!("new/{file}.log")), &parts).await?;
    }
    for (program, file, last) in [
        (&mut frpc, "frpc", "frpc service for config file"),
        (&mut frps, "frps", "frps stopped"),
    ] {
        stops(program).await?;
        has(&dir.path().join(format!("new/{file}.log")), &[last]).await?;
    }
    Ok(())
}

/// `trace` shows lines that say so, and `debug` none of them, in release builds too.
///
/// # Errors
/// When a line is missing, or shown at the wrong level.
pub async fn levels(pairing: Pairing) -> Result {
    for (level, lines) in [("trace", 1), ("debug", 0)] {
        let remote = free_port()?;
        let pair = scene!(pairing)
            .client(&format!("log.level = \"{level}\""))
            .proxy("p", "tcp", local(9), &format!("remotePort = {remote}"))
            .start()
            .await?;
        let change = "[p] change status from [new] to [wait start]";
        let (told, shown) = (pair.frpc.count(change), pair.frpc.count("[T]"));
        if (told, shown) != (lines, lines) {
            return Err(Error::wrong(format!("{level}: {}", pair.frpc.tail())));
        }
    }
    Ok(())
}

/// Nothing that a program says is lost when it ends, and none of it went to the console.
async fn stops(program: &mut Program) -> Result {
    program.signal("TERM").await?;
    let done = program.ended(Duration::from_secs(20)).await?;
    if done.code == Some(0) && !done.text.contains(" [I] ") {
        Ok(())
    } else {
        Err(Error::wrong(format!("{done:?}")))
    }
}

/// Waits until one line of the file at `path` has all of `parts`.
async fn has(path: &Path, parts: &[impl AsRef<str>]) -> Result {
    let all: Vec<_> = parts.iter().map(AsRef::as_ref).collect();
    eventually(
        SOON,
        &format!("{all:?} in a line of {}", path.display()),
        || async {
            let text = std::fs::read_to_string(path).map_err(Error::io("read a log"))?;
            if text
                .lines()
                .any(|line| all.iter().all(|part| line.contains(part)))
            {
                Ok(())
            } else {
                Err(Error::wrong(text))
            }
        },
    )
    .await
}
