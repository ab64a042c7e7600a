//! Networks that swallow packets: two networks of their own, with rules in the far one.

use std::time::Duration;

use culvert_e2e::SOON;
use culvert_kit::{Error, Finished, Link, Peer, Program, Result, Role, Shape, TempDir, tool};

use crate::scene::{DONE, expect};

/// Where frps listens.
const PORT: u16 = 7000;

/// Doctor at the near end of a link, frps at the far one, under these rules of nft; `None` where
/// the system does not allow it.
async fn under(rules: &str, timeout: &str) -> Result<Option<Finished>> {
    if tool("nft").is_none() {
        return Ok(None);
    }
    let shape = Shape {
        delay: Duration::from_millis(5),
        ..Shape::default()
    };
    let Some(link) = Link::new(shape).await? else {
        return Ok(None);
    };
    let binary = async |role: Role| -> Result<_> {
        let binary = Peer::Ours.binary(role).await?;
        binary.ok_or_else(|| Error::wrong("our programs are missing"))
    };
    let dir = TempDir::new()?;
    let server = format!("bindPort = {PORT}\nquicBindPort = {PORT}\n");
    let server = dir.write("frps.toml", &server)?;
    let frps = binary(Role::Frps).await?;
    let frps: Program = link
        .far
        .start("frps", &frps, &["-c", &server.to_string_lossy()])?;
    frps.wait_for("frps started successfully", SOON).await?;
    link.far.firewall(rules).await?;
    let client = format!("serverAddr = \"{}\"\nserverPort = {PORT}\n", Link::FAR);
    let client = dir.write("frpc.toml", &client)?;
    let client = client.to_string_lossy();
    let args = ["doctor", "-c", &client, "--json", "--timeout", timeout];
    let frpc = binary(Role::Frpc).await?;
    let mut doctor = link.near.start("frpc", &frpc, &args)?;
    doctor.ended(DONE).await.map(Some)
}

/// A rule for what comes in at the far end.
fn incoming(rule: &str) -> String {
    format!(
        "table inet broken {{\nchain in {{\ntype filter hook input priority 0\n{rule} drop\n}}\n}}"
    )
}

#[tokio::test]
async fn nothing_is_in_the_way() -> Result {
    let Some(done) = under(&incoming("meta l4proto sctp"), "3s").await? else {
        return Ok(());
    };
    // kcpBindPort is not set.
    expect(&done, "udp-refused", 0)?;
    let quic = "{\"protocol\":\"quic\",\"port\":7000,\"result\":\"passes\"";
    assert!(done.text.contains(quic), "{}", done.text);
    Ok(())
}

#[tokio::test]
async fn udp_is_dropped() -> Result {
    let Some(done) = under(&incoming("meta l4proto udp"), "2s").await? else {
        return Ok(());
    };
    expect(&done, "udp-blocked", 0)?;
    let quic = "{\"protocol\":\"quic\",\"port\":7000,\"result\":\"fails\"";
    assert!(done.text.contains(quic), "{}", done.text);
    Ok(())
}

#[tokio::test]
async fn everything_is_dropped() -> Result {
    match under(&incoming("meta l4proto { tcp, udp }"), "2s").await? {
        Some(done) => expect(&done, "dropped", 1),
        None => Ok(()),
    }
}

#[tokio::test]
async fn large_packets_vanish() -> Result {
    match under(&incoming("meta l4proto tcp meta length > 1300"), "2s").await? {
        Some(done) => expect(&done, "mtu-black-hole", 0),
        None => Ok(()),
    }
}
