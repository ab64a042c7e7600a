//! Every transport, with and without TLS and mux, in both wire versions, carries tcp and udp.

use culvert_kit::{
    Error, Payload, Peer, Result, echo_once, free_port, tcp_echo, udp_echo, udp_request, within,
};

use super::scene;
use crate::{Pairing, SOON, local};

/// How a client reaches its server.
#[derive(Clone, Copy, Debug)]
struct Way<'a> {
    protocol: &'a str,
    tls: bool,
    mux: bool,
    wire: &'a str,
}

impl Way<'_> {
    /// Whether the pairing is known not to manage it, through no fault of ours.
    ///
    /// Real frps takes a late acknowledgement of a closed KCP session for a new one and waits 10 s
    /// for its first byte before it accepts the next (protocol 1.2); without a mux each user is a
    /// session, so it stalls with any client. It cannot end wss itself either (protocol 2.6).
    fn is_beyond(self, pairing: Pairing) -> bool {
        let kcp_sessions = self.protocol == "kcp" && !self.mux;
        pairing.frps == Peer::Real && (kcp_sessions || self.protocol == "wss")
    }

    fn server(self, port: u16) -> String {
        let door = match self.protocol {
            "kcp" => format!("kcpBindPort = {port}\n"),
            "quic" => format!("quicBindPort = {port}\n"),
            _ => String::new(),
        };
        format!("{door}transport.tcpMux = {}", self.mux)
    }

    fn client(self) -> String {
        format!(
            "transport.protocol = \"{}\"\ntransport.tls.enable = {}\ntransport.tcpMux = {}\n\
             transport.wireProtocol = \"{}\"",
            self.protocol, self.tls, self.mux, self.wire
        )
    }
}

/// `protocol` carries bytes and datagrams in every combination of TLS, mux and wire version.
///
/// # Errors
/// When something comes back changed or not at all; the combination is named.
pub async fn carries(pairing: Pairing, protocol: &str) -> Result {
    for wire in ["v1", "v2"] {
        for (tls, mux) in [(true, true), (true, false), (false, true), (false, false)] {
            let way = Way {
                protocol,
                tls,
                mux,
                wire,
            };
            // Neither knows itself without TLS.
            let pointless = protocol == "wss" && !tls;
            if pointless || way.is_beyond(pairing) {
                continue;
            }
            one(pairing, way)
                .await
                .map_err(|e| Error::wrong(format!("{way:?}: {e}")))?;
        }
    }
    Ok(())
}

async fn one(pairing: Pairing, way: Way<'_>) -> Result {
    let (echo, datagrams) = (tcp_echo().await?, udp_echo().await?);
    let (remote, remote_udp) = (free_port()?, free_port()?);
    let scene = scene!(pairing);
    let bind = scene.bind_port();
    let _pair = scene
        .server(&way.server(bind))
        .client(&way.client())
        .proxy(
            "echo",
            "tcp",
            echo.addr(),
            &format!("remotePort = {remote}"),
        )
        .proxy(
            "datagrams",
            "udp",
            datagrams.addr(),
            &format!("remotePort = {remote_udp}"),
        )
        .start()
        .await?;
    within(SOON, "two echoes", async {
        echo_once(local(remote), 1, 300_000).await?;
        echo_once(local(remote), 2, 1).await
    })
    .await?;
    udp_request(local(remote_udp), &Payload::new(9).take(1000), SOON).await
}
