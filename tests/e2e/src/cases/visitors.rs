//! Visitors reach secret services with the right key, and only so, over every session of theirs.

use std::time::Duration;

use culvert_kit::{
    Error, Payload, Result, echo_once, eventually, free_port, tcp_echo, udp_echo, udp_request,
    within,
};

use super::{scene, tunnels::Layers};
use crate::{Pairing, SOON, local};

/// From the restart to the first echo through the visitor.
const BACK: Duration = Duration::from_secs(5);

/// A visitor of the proxy called `server`, in the file of frpc.
fn visitor(name: &str, (kind, server): (&str, &str), key: &str, port: u16, lines: &str) -> String {
    format!(
        "\n[[visitors]]\nname = \"{name}\"\ntype = \"{kind}\"\nserverName = \"{server}\"\n\
         secretKey = \"{key}\"\nbindPort = {port}\n{lines}\n"
    )
}

/// stcp and sudp carry what they should, whatever `outer` layers the visitor's leg and `inner`
/// ones the proxy's leg have, in wire version `wire`; a wrong key opens nothing; the visitor
/// listens on when frps is killed and comes back.
///
/// # Errors
/// When anything comes back changed, or a wrong key is good enough.
pub async fn secret_services(pairing: Pairing, wire: &str, inner: Layers, outer: Layers) -> Result {
    let (tcp, udp) = (tcp_echo().await?, udp_echo().await?);
    let (bytes, datagrams, wrong) = (free_port()?, free_port()?, free_port()?);
    let proxy = format!("secretKey = \"open\"\n{}", inner.lines());
    let visitors = [
        visitor("vt", ("stcp", "st"), "open", bytes, outer.lines()),
        visitor("vu", ("sudp", "su"), "open", datagrams, outer.lines()),
        visitor("vw", ("stcp", "st"), "wrong", wrong, ""),
    ];
    let mut pair = scene!(pairing)
        .client(&format!("transport.wireProtocol = \"{wire}\""))
        .proxy("st", "stcp", tcp.addr(), &proxy)
        .proxy(
            "su",
            "sudp",
            udp.addr(),
            &(proxy.clone() + &visitors.concat()),
        )
        .start()
        .await?;
    // Real frpc says it without the visitor's name.
    let line = "start visitor success";
    pair.frpc.wait_for_count(line, visitors.len(), SOON).await?;
    let echo = |seed| echo_once(local(bytes), seed, 300_000);
    within(SOON, "an echo through the visitor", echo(1)).await?;
    for len in [1, 512, 1500] {
        udp_request(local(datagrams), &Payload::new(9).take(len), SOON).await?;
    }
    if echo_once(local(wrong), 2, 10).await.is_ok() {
        return Err(Error::wrong("a visitor with a wrong key came through"));
    }
    pair.replace_frps().await?;
    eventually(BACK, "an echo after frps was killed", || echo(3)).await?;
    eventually(BACK, "a datagram after frps was killed", || {
        udp_request(local(datagrams), b"again", Duration::from_secs(1))
    })
    .await
}
