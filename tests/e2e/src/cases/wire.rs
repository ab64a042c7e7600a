//! The second version of the wire protocol: the same tunnels, refusals, and servers without it.

use culvert_kit::{Error, Payload, Result, echo_once, framed_echo, framed_request, free_port};
use culvert_kit::{http_get, tcp_echo, udp_echo, udp_request, web, within};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{scene, tunnels::Layers};
use crate::{Pairing, SOON, local};

/// What asks for it.
const V2: &str = "transport.wireProtocol = \"v2\"";

/// Tunnels of every kind that carries messages or bytes, over version 2. `mux` is the setting of
/// `transport.tcpMux`; without it, every work connection begins with the magic on its own. Pings
/// and work connections prove themselves, so that every message of the control stream is seen.
///
/// # Errors
/// When anything comes back changed.
pub async fn tunnels(pairing: Pairing, mux: bool, layers: Layers) -> Result {
    let (echo, framed) = (tcp_echo().await?, framed_echo().await?);
    let (dns, page) = (udp_echo().await?, web("page").await?);
    let (tcp, frames, udp, http) = (free_port()?, free_port()?, free_port()?, free_port()?);
    let port = |port| format!("remotePort = {port}\n{}", layers.lines());
    let domain = format!("customDomains = [\"example.com\"]\n{}", layers.lines());
    let both = format!(
        "transport.tcpMux = {mux}\nauth.additionalScopes = [\"HeartBeats\", \"NewWorkConns\"]"
    );
    let _pair = scene!(pairing)
        .server(&both)
        .server(&format!("vhostHTTPPort = {http}"))
        .client(&both)
        .client("transport.heartbeatInterval = 1\ntransport.heartbeatTimeout = 90")
        .client(V2)
        .proxy("echo", "tcp", echo.addr(), &port(tcp))
        .proxy("framed", "tcp", framed.addr(), &port(frames))
        .proxy("dns", "udp", dns.addr(), &port(udp))
        .proxy("web", "http", page.addr(), &domain)
        .start()
        .await?;
    within(SOON, "two echoes", async {
        echo_once(local(tcp), 1, 1_000_000).await?;
        let zeros = vec![0; 100_000];
        let same = framed_request(local(frames), &zeros).await? == zeros;
        same.then_some(())
            .ok_or_else(|| Error::wrong("zeros changed"))
    })
    .await?;
    for len in [1, 1500] {
        udp_request(local(udp), &Payload::new(9).take(len), SOON).await?;
    }
    let answer = http_get(local(http), "example.com", "/").await?;
    if (answer.status, answer.body.as_str()) == (200, "page") {
        return Ok(());
    }
    Err(Error::wrong(format!("the page is {answer:?}")))
}

/// A wrong token ends frpc with exit code 1 and the server's own words, as in version 1.
///
/// # Errors
/// When frpc ends otherwise or does not say why.
pub async fn wrong_token(pairing: Pairing) -> Result {
    let scene = scene!(pairing);
    let _frps = scene.start_frps().await?;
    let stranger = scene!(pairing).client(V2);
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

/// A server without version 2 closes, or answers in its own way: frpc ends with exit code 1 and,
/// when it is ours, names the key and what to set.
///
/// # Errors
/// When frpc goes on, ends otherwise or does not say why.
pub async fn server_without_it(pairing: Pairing, answer: &'static [u8]) -> Result {
    let listener = TcpListener::bind(local(0))
        .await
        .map_err(Error::io("listen"))?;
    let port = listener.local_addr().map_err(Error::io("listen"))?.port();
    let old = async {
        loop {
            let (mut socket, _) = listener.accept().await.map_err(Error::io("accept"))?;
            // All of the hello first, or else the close would be a reset.
            let read = socket.read(&mut [0; 4096]).await;
            read.map_err(Error::io("read a hello"))?;
            socket
                .write_all(answer)
                .await
                .map_err(Error::io("answer"))?;
        }
    };
    let stranger = scene!(pairing)
        .client(V2)
        .client("transport.tls.enable = false\ntransport.tcpMux = false");
    let mut frpc = stranger.start_frpc_at(port)?;
    let end = tokio::select! {
        failed = old => return failed,
        end = frpc.ended(SOON) => end?,
    };
    let ours = pairing.frpc == Pairing::OURS.frpc;
    let clear = end.text.contains("set transport.wireProtocol = \"v1\"");
    if end.code == Some(1) && (clear || !ours) {
        return Ok(());
    }
    Err(Error::wrong(format!(
        "exit code {:?}, log:\n{}",
        end.code, end.text
    )))
}
