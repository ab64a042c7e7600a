//! Load balancing groups: several services behind one port or host.

use std::{collections::BTreeSet, time::Duration};

use culvert_kit::{Error, Result, Service, eventually, free_port, http_get, web};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::scene;
use crate::{Pairing, SOON, local};

/// Connections that are enough for everybody's turn: upstream's suite asks ten times.
const USERS: usize = 10;

/// A service that says its name and hangs up.
async fn named(name: &'static str) -> Result<Service> {
    Service::tcp(move |mut socket| async move {
        drop(socket.write_all(name.as_bytes()).await);
    })
    .await
}

async fn name_at(port: u16) -> Result<String> {
    let at = local(port);
    let ask = async {
        let mut name = String::new();
        let mut socket = TcpStream::connect(at).await?;
        socket.read_to_string(&mut name).await?;
        Ok(name)
    };
    ask.await.map_err(Error::io(format!("read from {at}")))
}

async fn page_at(port: u16) -> Result<String> {
    Ok(http_get(local(port), "shop.example.com", "/").await?.body)
}

/// Who answered, of some users one after the other.
async fn who(ask: impl AsyncFn() -> Result<String>) -> Result<BTreeSet<String>> {
    let mut seen = BTreeSet::new();
    for _ in 0..USERS {
        seen.insert(ask().await?);
    }
    Ok(seen)
}

fn all(seen: &BTreeSet<String>, wanted: [&str; 2]) -> Result {
    if seen.iter().eq(wanted.iter()) {
        Ok(())
    } else {
        Err(Error::wrong(format!(
            "answers came from {seen:?}, not {wanted:?}"
        )))
    }
}

/// Members of a tcp and of an http group take turns; one with another key is refused.
///
/// # Errors
/// When a member is never asked, or one that does not know the key is let in.
pub async fn share(pairing: Pairing) -> Result {
    let (a, b) = (named("a").await?, named("b").await?);
    let (left, right) = (web("left").await?, web("right").await?);
    let (port, http) = (free_port()?, free_port()?);
    let group = |name: &str, key: &str| {
        format!("loadBalancer.group = \"{name}\"\nloadBalancer.groupKey = \"{key}\"\n")
    };
    let tcp = format!("remotePort = {port}\n{}", group("echoes", "k"));
    let site = format!(
        "customDomains = [\"shop.example.com\"]\n{}",
        group("sites", "k")
    );
    let wrong = format!(
        "\n[[proxies]]\nname = \"wrong\"\ntype = \"tcp\"\nlocalPort = {}\nremotePort = {port}\n{}",
        a.port(),
        group("echoes", "x"),
    );
    let mut pair = scene!(pairing)
        .server(&format!("vhostHTTPPort = {http}"))
        .proxy("a", "tcp", a.addr(), &tcp)
        .proxy("b", "tcp", b.addr(), &tcp)
        .proxy("left", "http", left.addr(), &site)
        .proxy("right", "http", right.addr(), &(site.clone() + &wrong))
        .start()
        .await?;
    pair.frpc
        .wait_for("[wrong] start error: group auth failed", SOON)
        .await?;
    all(&who(async || name_at(port).await).await?, ["a", "b"])?;
    all(&who(async || page_at(http).await).await?, ["left", "right"])?;
    // All members gone, the port is free for them again.
    pair.replace_frpc().await?;
    eventually(
        Duration::from_secs(10),
        "both members after a restart",
        || async { all(&who(async || name_at(port).await).await?, ["a", "b"]) },
    )
    .await
}
