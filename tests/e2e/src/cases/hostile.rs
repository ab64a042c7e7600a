//! Peers that send garbage, halves or nothing are closed, and nobody else notices.

use std::time::Duration;

use culvert_kit::{
    Error, Payload, Program, Result, Service, echo_once, eventually, free_port, tcp_echo, within,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time,
};

use crate::{Pair, Pairing, SOON, Scene, local};

/// frp gives a peer ten seconds for each step before its login (protocol 1.1): the first bytes
/// and then the first message. The rest is room for a busy machine.
const CLOSED: Duration = Duration::from_secs(35);

/// The first bytes of peers that mean no good, each with a name.
fn attacks() -> Vec<(&'static str, Vec<u8>)> {
    let message = |length: i64, body: &str| {
        [b"o".as_slice(), &length.to_be_bytes(), body.as_bytes()].concat()
    };
    let frame = |kind: u8, flags: u8, length: u32, payload: &str| {
        let magic = b"FRP\0\x02\r\n".as_slice();
        let head = [0, kind, 0, flags];
        [magic, &head, &length.to_be_bytes(), payload.as_bytes()].concat()
    };
    vec![
        ("half a magic", b"FRP\0\x02".to_vec()),
        ("a magic and nothing", b"FRP\0\x02\r\n".to_vec()),
        ("a frame of an unknown type", frame(3, 0, 2, "{}")),
        ("a frame with flags", frame(1, 1, 2, "{}")),
        ("an oversize frame", frame(1, 0, u32::MAX, "")),
        ("half a hello", frame(1, 0, 100, "{\"capabilities\":")),
        ("a hello that is no JSON", frame(1, 0, 4, "{{{{")),
        ("a hello that offers nothing", frame(1, 0, 2, "{}")),
        ("a message without a number", frame(16, 0, 1, "\0")),
        ("a login without a hello", frame(16, 0, 4, "\0\x01{}")),
        ("a server's hello", frame(2, 0, 2, "{}")),
        ("nothing", Vec::new()),
        ("one byte", b"o".to_vec()),
        (
            "a web request",
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        ),
        ("random bytes", Payload::new(11).take(4096)),
        (
            "a TLS head and garbage",
            [&[0x16, 3, 1, 0x40, 0][..], &[0xFF; 200]].concat(),
        ),
        ("a TLS head alone", vec![0x16]),
        (
            "a custom TLS head and garbage",
            [&[0x17][..], &[0xFF; 200]].concat(),
        ),
        ("a custom TLS head alone", vec![0x17]),
        ("half a message", message(100, "{\"version\":")),
        ("an oversize length", message(i64::MAX, "")),
        ("a negative length", message(-1, "{}        ")),
        ("a message that is no JSON", message(10, "{{{{{{{{{{")),
        ("an unknown type", [b"~".as_slice(), &[0; 20]].concat()),
        (
            "a huge mux frame",
            [&[0, 0, 0, 1, 0, 0, 0, 1][..], &[0xFF; 4]].concat(),
        ),
    ]
}

async fn served(pairing: Pairing, lines: &str) -> Result<Option<(Pair, Service, u16)>> {
    let Some(scene) = Scene::new(pairing).await? else {
        return Ok(None);
    };
    let echo = tcp_echo().await?;
    let remote = free_port()?;
    let pair = scene
        .server(lines)
        .client(lines)
        .proxy(
            "echo",
            "tcp",
            echo.addr(),
            &format!("remotePort = {remote}"),
        )
        .start()
        .await?;
    Ok(Some((pair, echo, remote)))
}

/// Every attack on the bind port is closed within its deadline, and an old and a new client go on
/// working meanwhile. `mux` is the setting of `transport.tcpMux`.
///
/// # Errors
/// When an attacker is kept or the service suffers.
pub async fn bad_input(pairing: Pairing, mux: bool) -> Result {
    let lines = format!("transport.tcpMux = {mux}");
    let Some((mut pair, _echo, remote)) = served(pairing, &lines).await? else {
        return Ok(());
    };
    let port = pair.scene().bind_port();
    let mut attackers = JoinSet::new();
    for (name, bytes) in attacks() {
        attackers.spawn(attack(name, port, bytes));
    }
    attackers.spawn(drip(port));
    within(
        SOON,
        "an echo during the attacks",
        echo_once(local(remote), 7, 100_000),
    )
    .await?;
    pair.replace_frpc().await?; // a new login during the attacks
    eventually(SOON, "an echo of the new client", || {
        echo_once(local(remote), 8, 1000)
    })
    .await?;
    while let Some(attacker) = attackers.join_next().await {
        attacker.map_err(|e| Error::wrong(e.to_string()))??;
    }
    within(
        SOON,
        "an echo after the attacks",
        echo_once(local(remote), 9, 1000),
    )
    .await
}

/// Sends `bytes` and waits for the server to close.
async fn attack(name: &'static str, port: u16, bytes: Vec<u8>) -> Result {
    within(
        CLOSED,
        &format!("the close of a peer that sent {name}"),
        async {
            let mut socket = TcpStream::connect(local(port))
                .await
                .map_err(Error::io("attack"))?;
            // The server may close before it has read everything.
            if socket.write_all(&bytes).await.is_ok() {
                let mut rest = Vec::new();
                drop(socket.read_to_end(&mut rest).await);
            }
            Ok(())
        },
    )
    .await
}

/// Sends one byte a second: a deadline that restarts with every byte would never end it.
async fn drip(port: u16) -> Result {
    within(CLOSED, "the close of a peer that drips", async {
        let socket = TcpStream::connect(local(port))
            .await
            .map_err(Error::io("drip"))?;
        let (mut read, mut write) = socket.into_split();
        let mut answer = [0; 64];
        let write_slowly = async {
            let mut tick = time::interval(Duration::from_secs(1));
            loop {
                tick.tick().await; // the slowness is the attack
                if write.write_all(b"o").await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            _ = read.read(&mut answer) => {}
            () = write_slowly => {}
        }
        Ok(())
    })
    .await
}

/// `peers` silent connections to the bind port do not keep a new client from logging in.
///
/// # Errors
/// When a client cannot log in.
pub async fn crowd_of_silent_peers(pairing: Pairing, peers: usize) -> Result {
    login_times(pairing, peers).await.map(|_| ())
}

/// How long a login takes in quiet, and while `peers` connections to the bind port say nothing,
/// half of them in the middle of a TLS handshake.
async fn login_times(pairing: Pairing, peers: usize) -> Result<Option<(Duration, Duration)>> {
    let Some((mut pair, _echo, remote)) = served(pairing, "").await? else {
        return Ok(None);
    };
    let quiet = best_login(&mut pair, remote).await?;
    let mut silent = Vec::new();
    for n in 0..peers {
        let to = local(pair.scene().bind_port());
        let mut socket = TcpStream::connect(to)
            .await
            .map_err(Error::io("a silent peer"))?;
        let head: &[u8] = if n % 2 == 0 {
            &[]
        } else {
            &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3]
        };
        socket
            .write_all(head)
            .await
            .map_err(Error::io("a half-open peer"))?;
        silent.push(socket);
    }
    let crowded = best_login(&mut pair, remote).await?;
    drop(silent);
    Ok(Some((quiet, crowded)))
}

/// The shortest of three restarts of frpc, from its start to its login: one is too noisy.
async fn best_login(pair: &mut Pair, remote: u16) -> Result<Duration> {
    let mut best = SOON;
    for seed in 0..3 {
        pair.replace_frpc().await?;
        let start = time::Instant::now();
        let frpc: &Program = &pair.frpc;
        frpc.wait_for("login to server success", SOON).await?;
        best = best.min(start.elapsed());
        eventually(SOON, "an echo", || echo_once(local(remote), seed, 1000)).await?;
    }
    Ok(best)
}

/// With `peers` silent connections a login takes at most twice its quiet time; 50 ms are added
/// for the noise of starting a process.
///
/// # Errors
/// When it takes longer.
pub async fn silence_costs_others_nothing(pairing: Pairing, peers: usize) -> Result {
    let Some((quiet, crowded)) = login_times(pairing, peers).await? else {
        return Ok(());
    };
    if crowded <= quiet * 2 + Duration::from_millis(50) {
        return Ok(());
    }
    Err(Error::wrong(format!(
        "a login took {crowded:?}, and {quiet:?} in quiet"
    )))
}
