//! tcpmux: TCP services behind one port, found by an HTTP CONNECT.

use std::{net::SocketAddr, time::Duration};

use culvert_kit::{Error, Result, Service, free_port, within};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{scene, tunnels::Layers};
use crate::{Pairing, SOON, local};

/// What a tunnel's answer looks like; upstream sends the length as well.
const OPEN: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// `alice:secret` as Basic authentication has it.
const ALICE: &str = "Proxy-Authorization: Basic YWxpY2U6c2VjcmV0\r\n";

/// A service that says its name, and then returns what it hears.
async fn named(name: &'static str) -> Result<Service> {
    Service::tcp(move |mut socket| async move {
        if socket.write_all(name.as_bytes()).await.is_ok() {
            let (mut read, mut write) = socket.split();
            // A peer that breaks off is part of many tests.
            drop(tokio::io::copy(&mut read, &mut write).await);
        }
    })
    .await
}

/// Sends a CONNECT for `host` with more header lines, and reads until `until` was seen or the end.
async fn connect(port: u16, host: &str, lines: &str, until: &str) -> Result<(TcpStream, String)> {
    let at: SocketAddr = local(port);
    let ask = async {
        let mut socket = TcpStream::connect(at).await?;
        let head = format!("CONNECT {host}:22 HTTP/1.1\r\nHost: {host}:22\r\n{lines}\r\n");
        socket.write_all(head.as_bytes()).await?;
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).ends_with(until) || until.is_empty() {
            if socket.read_buf(&mut seen).await? == 0 {
                break;
            }
        }
        Ok((socket, String::from_utf8_lossy(&seen).into_owned()))
    };
    within(SOON, "an answer to CONNECT", async {
        ask.await
            .map_err(Error::io(format!("CONNECT through {at}")))
    })
    .await
}

/// A tunnel to `host` leads to the service that says `name`.
async fn leads_to(port: u16, host: &str, lines: &str, name: &str) -> Result {
    let wanted = format!("{OPEN}{name}");
    let (mut socket, seen) = connect(port, host, lines, &wanted).await?;
    if seen != wanted {
        return Err(Error::wrong(format!(
            "{host} gave {seen:?}, not {wanted:?}"
        )));
    }
    let mut back = [0; 5];
    let echo = async {
        socket.write_all(b"hello").await?;
        socket.read_exact(&mut back).await
    };
    let echo = tokio::time::timeout(Duration::from_secs(5), echo).await;
    if matches!(echo, Ok(Ok(_))) && back == *b"hello" {
        Ok(())
    } else {
        Err(Error::wrong(format!("the tunnel to {host} gave {back:?}")))
    }
}

/// tcpmux proxies share one port and are told apart by host and user; a wrong password and an
/// unknown host are refused.
///
/// # Errors
/// When a tunnel leads to the wrong service, or one opens that should not.
pub async fn by_host_and_user(pairing: Pairing, layers: Layers) -> Result {
    let (shop, hers, all) = (
        named("shop").await?,
        named("hers").await?,
        named("all").await?,
    );
    let port = free_port()?;
    let lines = |more: &str| format!("multiplexer = \"httpconnect\"\n{more}\n{}", layers.lines());
    let login = "httpUser = \"alice\"\nhttpPassword = \"secret\"";
    let shop_lines = lines(&format!("customDomains = [\"shop.example.com\"]\n{login}"));
    let hers_lines = lines("customDomains = [\"my.example.com\"]\nrouteByHTTPUser = \"alice\"");
    let all_lines = lines("customDomains = [\"my.example.com\"]");
    let _pair = scene!(pairing)
        .server(&format!("tcpmuxHTTPConnectPort = {port}"))
        .proxy("shop", "tcpmux", shop.addr(), &shop_lines)
        .proxy("hers", "tcpmux", hers.addr(), &hers_lines)
        .proxy("all", "tcpmux", all.addr(), &all_lines)
        .start()
        .await?;
    leads_to(port, "shop.example.com", ALICE, "shop").await?;
    leads_to(port, "my.example.com", ALICE, "hers").await?;
    leads_to(port, "MY.example.com", "", "all").await?;
    for (host, status) in [
        ("shop.example.com", " 407 "),
        ("nobody.example.com", " 404 "),
    ] {
        let (_, seen) = connect(port, host, "", "").await?;
        if !seen.contains(status) {
            return Err(Error::wrong(format!("{host} gave {seen:?}, not{status}")));
        }
    }
    Ok(())
}

/// With `tcpmuxPassthrough` the service gets the CONNECT itself.
///
/// # Errors
/// When it gets anything else.
pub async fn passthrough(pairing: Pairing) -> Result {
    let service = culvert_kit::tcp_echo().await?;
    let port = free_port()?;
    let lines = "multiplexer = \"httpconnect\"\ncustomDomains = [\"shop.example.com\"]";
    let _pair = scene!(pairing)
        .server(&format!(
            "tcpmuxHTTPConnectPort = {port}\ntcpmuxPassthrough = true"
        ))
        .proxy("shop", "tcpmux", service.addr(), lines)
        .start()
        .await?;
    let (_, seen) = connect(port, "shop.example.com", "X-Of: mine\r\n", "\r\n\r\n").await?;
    let wanted =
        "CONNECT shop.example.com:22 HTTP/1.1\r\nHost: shop.example.com:22\r\nX-Of: mine\r\n\r\n";
    if seen == wanted {
        Ok(())
    } else {
        Err(Error::wrong(format!("the service got {seen:?}")))
    }
}
