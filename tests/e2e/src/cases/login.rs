//! Logging in: a wrong token, a server that is not there yet, and registration errors.

use culvert_kit::{Error, Result, echo_once, free_port, tcp_echo, within};

use super::scene;
use crate::{Pairing, SOON, local};

/// A wrong token ends frpc with exit code 1 and the server's own words.
///
/// # Errors
/// When frpc ends otherwise or does not say why.
pub async fn wrong_token(pairing: Pairing) -> Result {
    let scene = scene!(pairing);
    let _frps = scene.start_frps().await?;
    // A second scene of the same pairing has another random token.
    let stranger = scene!(pairing);
    let mut frpc = stranger.start_frpc_at(scene.bind_port())?;
    let end = frpc.ended(SOON).await?;
    let said = "token in login doesn't match token from configuration";
    if end.code == Some(1) && end.text.contains(said) {
        return Ok(());
    }
    Err(Error::wrong(format!(
        "exit code {:?}, log:\n{}",
        end.code, end.text
    )))
}

/// With `loginFailExit = false`, frpc waits for a server that starts later.
///
/// # Errors
/// When it gives up or does not log in once the server is there.
pub async fn waits_for_the_server(pairing: Pairing) -> Result {
    let echo = tcp_echo().await?;
    let remote = free_port()?;
    let scene = scene!(pairing).proxy(
        "echo",
        "tcp",
        echo.addr(),
        &format!("remotePort = {remote}"),
    );
    let frpc = scene.start_frpc("loginFailExit = false")?;
    frpc.wait_for("connect to server error", SOON).await?;
    let _frps = scene.start_frps().await?;
    frpc.wait_for("[echo] start proxy success", SOON).await?;
    within(SOON, "an echo", echo_once(local(remote), 4, 1000)).await
}

/// Without a server and with `loginFailExit` at its default, frpc ends with exit code 1.
///
/// # Errors
/// When it goes on or ends otherwise.
pub async fn gives_up(pairing: Pairing) -> Result {
    let scene = scene!(pairing);
    let mut frpc = scene.start_frpc("")?;
    let end = frpc.ended(SOON).await?;
    if end.code == Some(1) && end.text.contains("login to the server failed") {
        return Ok(());
    }
    Err(Error::wrong(format!(
        "exit code {:?}, log:\n{}",
        end.code, end.text
    )))
}

/// A proxy whose port is taken is refused by name while its neighbour works.
///
/// # Errors
/// When the refusal is not told or disturbs the neighbour.
pub async fn port_taken(pairing: Pairing) -> Result {
    let echo = tcp_echo().await?;
    let remote = free_port()?;
    let taken = echo.port(); // the mock service itself holds it
    let scene = scene!(pairing)
        .proxy(
            "good",
            "tcp",
            echo.addr(),
            &format!("remotePort = {remote}"),
        )
        .proxy("bad", "tcp", echo.addr(), &format!("remotePort = {taken}"))
        .server("proxyBindAddr = \"127.0.0.1\"");
    let _frps = scene.start_frps().await?;
    let frpc = scene.start_frpc("")?;
    frpc.wait_for("[good] start proxy success", SOON).await?;
    frpc.wait_for("[bad] start error: port unavailable", SOON)
        .await?;
    within(SOON, "an echo", echo_once(local(remote), 5, 1000)).await
}
