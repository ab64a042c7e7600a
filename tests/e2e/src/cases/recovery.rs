//! Either program is killed and comes back; so does the service, on the same port.

use std::time::Duration;

use culvert_kit::{Result, echo_once, eventually, free_port, tcp_echo};

use super::scene;
use crate::{Pairing, SOON, local};

/// From the restart to the first echo through the tunnel.
const BACK: Duration = Duration::from_secs(5);

/// `rounds` times each: frps is killed and started again, then frpc.
///
/// # Errors
/// When the service is not back within five seconds, or a port or name stays behind.
pub async fn kill_and_restart(pairing: Pairing, rounds: u64) -> Result {
    let echo = tcp_echo().await?;
    let remote = free_port()?;
    let mut pair = scene!(pairing)
        .proxy(
            "echo",
            "tcp",
            echo.addr(),
            &format!("remotePort = {remote}"),
        )
        .start()
        .await?;
    let served = async |what: &str, seed| {
        eventually(BACK, what, || echo_once(local(remote), seed, 10_000)).await
    };
    served("the first echo", 0).await?;
    for round in 1..=rounds {
        pair.replace_frps().await?;
        served(
            &format!("round {round}: an echo after frps was killed"),
            round,
        )
        .await?;
        pair.replace_frpc().await?;
        served(
            &format!("round {round}: an echo after frpc was killed"),
            round,
        )
        .await?;
    }
    Ok(())
}

/// A client that closes in an orderly way leaves its port free for the next one at once.
///
/// # Errors
/// When the next client cannot have the same port and name.
pub async fn orderly_succession(pairing: Pairing) -> Result {
    let echo = tcp_echo().await?;
    let remote = free_port()?;
    let mut pair = scene!(pairing)
        .proxy(
            "echo",
            "tcp",
            echo.addr(),
            &format!("remotePort = {remote}"),
        )
        .start()
        .await?;
    for seed in 0..3 {
        pair.frpc.signal("TERM").await?;
        pair.frpc.ended(SOON).await?;
        pair.replace_frpc().await?;
        eventually(BACK, "an echo through the successor", || {
            echo_once(local(remote), seed, 1000)
        })
        .await?;
    }
    Ok(())
}
