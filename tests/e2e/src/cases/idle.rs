//! An idle pair stays a pair.

use std::time::Duration;

use culvert_kit::{Error, Result, echo_once, free_port, tcp_echo, within};
use tokio::time;

use super::scene;
use crate::{Pairing, SOON, local};

/// A session that carries nothing for `idle` keeps its login, and the work connection that was
/// pooled all the while then carries a user. Real frp drops a session 75 s after it opened a
/// stream that the other side has not acknowledged (protocol 2.3).
///
/// # Errors
/// When the client logged in again or the echo fails.
pub async fn keeps_its_session(pairing: Pairing, idle: Duration) -> Result {
    let echo = tcp_echo().await?;
    let remote = free_port()?;
    let pair = scene!(pairing)
        .client("transport.poolCount = 1")
        .proxy(
            "echo",
            "tcp",
            echo.addr(),
            &format!("remotePort = {remote}"),
        )
        .start()
        .await?;
    time::sleep(idle).await; // the passing of time is what is tested
    within(
        SOON,
        "an echo after the idle time",
        echo_once(local(remote), 6, 100_000),
    )
    .await?;
    match pair.frpc.count("login to server success") {
        1 => Ok(()),
        n => Err(Error::wrong(format!(
            "{n} logins; the log ends:\n{}",
            pair.frpc.tail()
        ))),
    }
}
