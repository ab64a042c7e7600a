//! What holds a proxy back: a bandwidth, and a local service that is not there.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use culvert_kit::{
    Error, Payload, Result, Service, connected, eventually, framed_echo, framed_request, free_port,
    within,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};

use super::scene;
use crate::{Pairing, SOON, local};

/// A limited proxy takes the time that its bandwidth asks for, whichever end holds it.
///
/// # Errors
/// When bytes change, or come faster than they may.
pub async fn bandwidth(pairing: Pairing, mode: &str) -> Result {
    let echo = framed_echo().await?;
    let remote = free_port()?;
    let lines = format!(
        "remotePort = {remote}\ntransport.bandwidthLimit = \"32KB\"\n\
         transport.bandwidthLimitMode = \"{mode}\""
    );
    let _pair = scene!(pairing)
        .proxy("slow", "tcp", echo.addr(), &lines)
        .start()
        .await?;
    // 96 KiB in all: a burst of one second, and two seconds more.
    let sent = Payload::new(5).take(48 << 10);
    let started = Instant::now();
    let got = within(SOON, "a slow echo", framed_request(local(remote), &sent)).await?;
    let took = started.elapsed();
    if got != sent {
        return Err(Error::wrong("the bytes changed on their way"));
    }
    if took < Duration::from_millis(1500) {
        return Err(Error::wrong(format!("it took {took:?}, not two seconds")));
    }
    Ok(())
}

/// A web server that is well or not, as `well` says.
async fn moody(well: &Arc<AtomicBool>) -> Result<Service> {
    let well = Arc::clone(well);
    Service::tcp(move |mut socket| {
        let status = if well.load(Ordering::Relaxed) {
            "200 OK"
        } else {
            "503 Service Unavailable"
        };
        async move {
            let answer =
                format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let mut seen = Vec::new();
            while let Ok(1..) = socket.read_buf(&mut seen).await {
                if seen.ends_with(b"\r\n\r\n") {
                    drop(socket.write_all(answer.as_bytes()).await);
                    return;
                }
            }
        }
    })
    .await
}

/// A proxy is published while its service is well, and the log says so.
///
/// # Errors
/// When its port is open at the wrong time, or a log line is missing.
pub async fn health(pairing: Pairing) -> Result {
    let well = Arc::new(AtomicBool::new(true));
    let service = moody(&well).await?;
    let remote = free_port()?;
    let lines = format!(
        "remotePort = {remote}\nhealthCheck.type = \"http\"\nhealthCheck.path = \"/health\"\n\
         healthCheck.intervalSeconds = 1"
    );
    let pair = scene!(pairing)
        .proxy("web", "tcp", service.addr(), &lines)
        .start()
        .await?;
    let frpc = &pair.frpc;
    frpc.wait_for("[web] health check success", SOON).await?;
    drop(connected(local(remote), SOON).await?);
    well.store(false, Ordering::Relaxed);
    frpc.wait_for("[web] health check failed", SOON).await?;
    eventually(SOON, "a closed port", || async {
        match tokio::net::TcpStream::connect(local(remote)).await {
            Err(_) => Ok(()),
            Ok(_) => Err(Error::wrong("it is open")),
        }
    })
    .await?;
    well.store(true, Ordering::Relaxed);
    frpc.wait_for_count("[web] health check success", 2, SOON)
        .await?;
    frpc.wait_for_count("[web] start proxy success", 2, SOON)
        .await?;
    drop(connected(local(remote), SOON).await?);
    Ok(())
}
