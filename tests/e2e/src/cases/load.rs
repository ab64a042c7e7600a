//! Many connections at once come back whole, and the memory they took comes back too.

use std::{net::SocketAddr, time::Duration};

use culvert_kit::{
    Error, Peer, Program, Result, echo_once, eventually, free_port, tcp_echo, within,
};
use tokio::task::JoinSet;

use super::{scene, tunnels::Layers};
use crate::{Pairing, local};

/// How much each connection sends.
const EACH: usize = 1 << 20;

/// Far more than the load takes; only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(180);

/// How long the return may take: the programs look 1 s after a burst, and again 6, 24 and 84 s
/// after that, as a busy machine ends the last connections late.
const RETURN: Duration = Duration::from_secs(120);

/// What the allocator may keep beyond a fifth of the figure before: its per-thread caches and
/// partly used pages, which do not grow with the number of connections. 200 connections that
/// kept one 64 KiB buffer each would hold 12.5 MiB and be found out.
const SLACK: u64 = 3 << 20;

/// `connections` users at once each get a mebibyte of their own random bytes back; afterwards the
/// memory of our programs returns to within a fifth of what it was, plus a slack for the allocator.
///
/// # Errors
/// When bytes are lost or changed, or memory is kept.
pub async fn parallel_echoes(pairing: Pairing, layers: Layers, connections: u64) -> Result {
    let echo = tcp_echo().await?;
    let remote = free_port()?;
    let lines = format!("remotePort = {remote}\n{}", layers.lines());
    let pair = scene!(pairing)
        .proxy("echo", "tcp", echo.addr(), &lines)
        .start()
        .await?;
    // The first connections fill caches that stay for good and are no leak.
    crowd(local(remote), 4).await?;
    let before = [pair.frps.usage().anonymous, pair.frpc.usage().anonymous];
    crowd(local(remote), connections).await.map_err(|e| {
        let (frps, frpc) = (pair.frps.tail(), pair.frpc.tail());
        Error::wrong(format!("{e}; the logs end:\n{frps}\n\n{frpc}"))
    })?;
    let [frps, frpc] = before;
    returned(pairing.frps, "frps", &pair.frps, frps).await?;
    returned(pairing.frpc, "frpc", &pair.frpc, frpc).await
}

async fn crowd(to: SocketAddr, connections: u64) -> Result {
    let mut users = JoinSet::new();
    for seed in 0..connections {
        users.spawn(async move { echo_once(to, seed, EACH).await });
    }
    within(
        PATIENCE,
        &format!("{connections} echoes of {EACH} bytes"),
        async {
            while let Some(user) = users.join_next().await {
                user.map_err(|e| Error::wrong(e.to_string()))??;
            }
            Ok(())
        },
    )
    .await
}

/// Waits until `program` is back at its size; nothing is asked of real frp, whose runtime gives
/// memory back when it likes, or of a system that does not tell.
async fn returned(peer: Peer, name: &str, program: &Program, before: Option<u64>) -> Result {
    let (Peer::Ours, Some(before)) = (peer, before) else {
        return Ok(());
    };
    let limit = before + before / 5 + SLACK;
    let what = format!("the return of {name} to {limit} bytes from {before} before");
    eventually(RETURN, &what, || async {
        let now = program.usage();
        if now.anonymous.is_some_and(|anonymous| anonymous > limit) {
            // Descriptors tell connections that are still open from memory that is kept without.
            return Err(Error::wrong(format!("now {now:?}")));
        }
        Ok(())
    })
    .await
}
