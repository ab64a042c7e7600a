//! frps reads its configuration again while it runs. Upstream's cannot.

use std::path::Path;

use culvert_kit::{Error, Peer, Result, api_call, echo_once, free_port, tcp_echo, within};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::scene;
use crate::{Pairing, SOON, local};

/// A changed file is taken over at SIGHUP and by the dashboard's API without anybody being cut
/// off; a wrong one changes nothing; what takes a restart is named. Only for our frps.
///
/// # Errors
/// When a change is not in force, or more than it.
pub async fn rules(pairing: Pairing) -> Result {
    if pairing.frps != Peer::Ours || !cfg!(unix) {
        return Ok(());
    }
    let (echo, web) = (tcp_echo().await?, free_port()?);
    let (first, second) = (free_port()?, free_port()?);
    let remote = |port: u16| format!("remotePort = {port}");
    let scene = scene!(pairing)
        .server(&format!(
            "webServer.port = {web}\nallowPorts = [{{ single = {first} }}]"
        ))
        .proxy("first", "tcp", echo.addr(), &remote(first));
    let file = scene.dir().path().join("frps.toml");
    let pair = scene.start().await?;
    let mut open = TcpStream::connect(local(first))
        .await
        .map_err(Error::io("connect"))?;
    edit(&file, |text| {
        let text = text.replace(&format!("single = {first}"), &format!("single = {second}"));
        text + "webServer.user = \"u\"\nwebServer.password = \"p\"\nudpPacketSize = 1400\n"
    })?;
    pair.frps.signal("HUP").await?;
    pair.frps.wait_for("success reload conf", SOON).await?;
    pair.frps
        .wait_for("udpPacketSize has changed in the file", SOON)
        .await?;
    let refused = api_call(local(web), "POST", "/api/reload", "").await?;
    if refused.status != 401 {
        return Err(Error::wrong(format!("no password asked: {refused:?}")));
    }
    // The connection from before goes on, and so does the proxy.
    open.write_all(b"still").await.map_err(Error::io("write"))?;
    let mut back = [0; 5];
    let read = open.read_exact(&mut back);
    within(SOON, "an answer", async {
        read.await.map_err(Error::io("read"))
    })
    .await?;
    within(SOON, "an echo", echo_once(local(first), 1, 1000)).await?;
    edit(&file, |text| text + "nonsense = 1\n")?;
    pair.frps.signal("HUP").await?;
    pair.frps
        .wait_for("reload failed, the old configuration stays: ", SOON)
        .await?;
    // New ports are given by the new rule.
    let rule = pair.scene().start_frpc(&format!(
        "loginFailExit = false\nuser = \"other\"\n\n[[proxies]]\nname = \"second\"\n\
         type = \"tcp\"\nlocalPort = {}\n{}\n",
        echo.port(),
        remote(second)
    ))?;
    rule.wait_for("[second] start proxy success", SOON).await?;
    rule.wait_for("[first] start error: port not allowed", SOON)
        .await?;
    within(SOON, "an echo", echo_once(local(second), 2, 1000)).await
}

/// A new token in a file that is watched is asked of those who log in from now on; who is in stays
/// in. Only for our frps.
///
/// # Errors
/// When the old token is still good, or somebody is thrown out.
pub async fn token(pairing: Pairing) -> Result {
    if pairing.frps != Peer::Ours || !cfg!(unix) {
        return Ok(());
    }
    let (echo, remote) = (tcp_echo().await?, free_port()?);
    let proxy = format!("remotePort = {remote}");
    let scene =
        scene!(pairing)
            .server("watchConfig = true")
            .proxy("first", "tcp", echo.addr(), &proxy);
    let file = scene.dir().path().join("frps.toml");
    let pair = scene.start().await?;
    edit(&file, |text| {
        let other = |line: &str| match line.starts_with("auth.token") {
            true => "auth.token = \"other\"\n".to_owned(),
            false => format!("{line}\n"),
        };
        text.lines().map(other).collect()
    })?;
    pair.frps.wait_for("success reload conf", SOON).await?;
    let client = "loginFailExit = false\nuser = \"other\"";
    let stranger = pair.scene().start_frpc(client)?;
    stranger
        .wait_for("token in login doesn't match token", SOON)
        .await?;
    within(SOON, "an echo", echo_once(local(remote), 3, 1000)).await
}

fn edit(file: &Path, change: impl FnOnce(String) -> String) -> Result {
    let text = std::fs::read_to_string(file).map_err(Error::io("read the file"))?;
    std::fs::write(file, change(text)).map_err(Error::io("write the file"))
}
