//! udp and sudp over QUIC: as datagrams where both ends have them, as messages where not.

use culvert_kit::{Error, Payload, Result, free_port, udp_echo, udp_request};

use super::{scene, tunnels::Layers};
use crate::{Pairing, SOON, local};

/// What a program says of each connection on which packets travel as datagrams.
const LINE: &str = "udp packets travel as quic datagrams";

/// A udp proxy, a sudp service and its visitor return datagrams of all lengths, with `layers` on
/// the proxies. They travel as QUIC datagrams between our own programs without layers, and as
/// messages otherwise.
///
/// # Errors
/// When one comes back changed or not at all, or travels in another form.
pub async fn over_quic(pairing: Pairing, wire: &str, layers: Layers) -> Result {
    let lines = format!("transport.wireProtocol = \"{wire}\"");
    let legs = match layers {
        _ if !pairing.is_ours() => 0,
        Layers::Plain => 3,
        // The visitor's has none.
        _ => 1,
    };
    carries(pairing, layers.lines(), ("", &lines), legs).await
}

/// Either program can be told to send messages only.
///
/// # Errors
/// When one comes back changed or not at all, or travels as a datagram.
pub async fn turned_off(pairing: Pairing) -> Result {
    let off = "transport.quic.datagrams = false";
    carries(pairing, "", (off, ""), 0).await?;
    carries(pairing, "", ("", off), 0).await
}

/// A limited proxy sends messages, whose bytes the limit counts, also if the client limits itself.
///
/// # Errors
/// When one comes back changed or not at all, or travels as a datagram.
pub async fn limited(pairing: Pairing) -> Result {
    for side in ["client", "server"] {
        let limit = format!(
            "transport.bandwidthLimit = \"10MB\"\ntransport.bandwidthLimitMode = \"{side}\""
        );
        // The visitor's leg has none.
        carries(pairing, &limit, ("", ""), 1).await?;
    }
    Ok(())
}

/// `proxy` stands in both proxies, the others in the files of frps and frpc. Of the three legs, the
/// udp proxy's, the sudp service's and the visitor's, so many carry datagrams.
async fn carries(
    pairing: Pairing,
    proxy: &str,
    (server, client): (&str, &str),
    legs: usize,
) -> Result {
    let echo = udp_echo().await?;
    let (public, door) = (free_port()?, free_port()?);
    let visitor = format!(
        "\n[[visitors]]\nname = \"v\"\ntype = \"sudp\"\nserverName = \"secret\"\n\
         secretKey = \"open\"\nbindPort = {door}\n"
    );
    let scene = scene!(pairing);
    let bind = scene.bind_port();
    let pair = scene
        .server(&format!("quicBindPort = {bind}\n{server}"))
        .client(&format!("transport.protocol = \"quic\"\n{client}"))
        .proxy(
            "public",
            "udp",
            echo.addr(),
            &format!("remotePort = {public}\n{proxy}"),
        )
        .proxy(
            "secret",
            "sudp",
            echo.addr(),
            &format!("secretKey = \"open\"\n{proxy}\n{visitor}"),
        )
        .start()
        .await?;
    pair.frpc.wait_for("start visitor success", SOON).await?;
    for port in [public, door] {
        // 1500 is upstream's default `udpPacketSize`, and more than a packet of QUIC has.
        for len in [1, 512, 1190, 1500] {
            udp_request(local(port), &Payload::new(9).take(len), SOON).await?;
        }
    }
    for (program, name) in [(&pair.frps, "frps"), (&pair.frpc, "frpc")] {
        let said = program.count(LINE);
        if said != legs {
            let text = format!("{name} said {said} times, not {legs}, {LINE:?}:\n");
            return Err(Error::wrong(text + &program.tail()));
        }
    }
    Ok(())
}
