//! A proxy that serves another server below `/base/`, as operators put dashboards behind their own.

use std::net::SocketAddr;

use culvert_kit::{Result, Service};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::TcpStream,
};

/// The longest request head that is read: a browser's is below 2 KiB.
const HEAD: usize = 16 * 1024;

/// Serves what is at `to` below `/base/`; each connection carries one request.
pub(crate) async fn below_base(to: SocketAddr) -> Result<Service> {
    Service::tcp(move |browser| async move {
        // A browser that closes early is its own business.
        drop(forward(browser, to).await);
    })
    .await
}

async fn forward(mut browser: TcpStream, to: SocketAddr) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < HEAD {
        if browser.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let text = String::from_utf8_lossy(&head)
        .replacen(" /base/", " /", 1)
        .replacen("Connection: keep-alive", "Connection: close", 1);
    let mut server = TcpStream::connect(to).await?;
    server.write_all(text.as_bytes()).await?;
    copy_bidirectional(&mut browser, &mut server).await?;
    Ok(())
}
