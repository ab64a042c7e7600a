//! Bulk each way to its end, and ends in the middle of it, over every kind of carrier.

use std::{sync::Arc, time::Duration};

use culvert_kit::{Error, Payload, Result, Service, echo_once, free_port, tcp_echo, within};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
};

use super::{scene, tunnels::Layers};
use crate::{Pairing, local};

/// Far more than one side keeps for the other, so that it passes while it is made.
const BULK: usize = 24 << 20;

/// What is on its way when somebody leaves: less than the peers keep, so that both can go on.
const SOME: usize = 1 << 20;

/// Far more than any of it takes; only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the bulk comes from.
const SEED: u64 = 17;

/// Bulk goes up, and down, each with the end of its sender behind it; then a user is gone in the
/// middle of either, and a service; those who stay are told, and the next user is served. `carrier`
/// stands in the file of frpc, with `server` in that of frps, `layers` are the proxies'.
///
/// # Errors
/// When bytes are lost or changed, or an end does not get through.
pub async fn arrive(pairing: Pairing, (server, carrier): (&str, &str), layers: Layers) -> Result {
    let taken = Arc::new(Notify::new());
    let (echo, source) = (tcp_echo().await?, source().await?);
    let (sink, leaver) = (sink(&taken).await?, leaver().await?);
    let services = [
        ("echo", &echo),
        ("source", &source),
        ("sink", &sink),
        ("leaver", &leaver),
    ];
    let mut scene = scene!(pairing);
    let bind = scene.bind_port();
    scene = scene
        .server(&server.replace("PORT", &bind.to_string()))
        .client(carrier);
    let mut ports = Vec::new();
    for (name, service) in services {
        let port = free_port()?;
        ports.push(local(port));
        let lines = format!("remotePort = {port}\n{}", layers.lines());
        scene = scene.proxy(name, "tcp", service.addr(), &lines);
    }
    let _pair = scene.start().await?;
    let &[echo, source, sink, leaver] = &ports[..] else {
        return Err(Error::wrong("four services have four ports"));
    };
    within(PATIENCE, "bulk down", async {
        read_all(&mut connect(source).await?, BULK).await
    })
    .await?;
    within(PATIENCE, "bulk up", async {
        let mut user = connect(sink).await?;
        user.write_all(&Payload::new(SEED).take(BULK))
            .await
            .map_err(Error::io("send bulk"))?;
        user.shutdown().await.map_err(Error::io("end the bulk"))?;
        taken.notified().await;
        Ok(())
    })
    .await?;
    within(
        PATIENCE,
        "the end of users and services in between",
        async {
            let mut piece = vec![1; 4096];
            for to in [source, echo] {
                let mut user = connect(to).await?;
                user.write_all(&vec![1; SOME])
                    .await
                    .map_err(Error::io("send some"))?;
                user.read_exact(&mut piece)
                    .await
                    .map_err(Error::io("read some"))?;
                user.set_zero_linger().map_err(Error::io("break off"))?;
            }
            let mut user = connect(leaver).await?;
            // It takes some of it, and then no more is taken or comes.
            while user.write_all(&piece).await.is_ok() {}
            while let Ok(1..) = user.read(&mut piece).await {}
            echo_once(echo, 3, SOME).await
        },
    )
    .await
}

async fn connect(to: std::net::SocketAddr) -> Result<TcpStream> {
    TcpStream::connect(to)
        .await
        .map_err(Error::io("connect to a proxy"))
}

/// Reads `len` bytes of the bulk and the end behind them.
async fn read_all(from: &mut TcpStream, len: usize) -> Result {
    let mut got = Vec::new();
    from.read_to_end(&mut got)
        .await
        .map_err(Error::io("read bulk"))?;
    if got == Payload::new(SEED).take(len) {
        Ok(())
    } else {
        Err(Error::wrong(format!(
            "{} bytes came, not the {len} that were sent",
            got.len()
        )))
    }
}

/// Sends the bulk to whoever connects, and ends.
async fn source() -> Result<Service> {
    Service::tcp(|mut user| async move {
        // Users that go away are part of the test.
        if user.write_all(&Payload::new(SEED).take(BULK)).await.is_ok() {
            drop(user.shutdown().await);
            while let Ok(1..) = user.read(&mut [0; 512]).await {}
        }
    })
    .await
}

/// Tells `taken` when the bulk and its end have come.
async fn sink(taken: &Arc<Notify>) -> Result<Service> {
    let taken = Arc::clone(taken);
    Service::tcp(move |mut user| {
        let taken = Arc::clone(&taken);
        async move {
            if read_all(&mut user, BULK).await.is_ok() {
                taken.notify_one();
            }
        }
    })
    .await
}

/// Takes some bytes of each user and resets the connection.
async fn leaver() -> Result<Service> {
    Service::tcp(|mut user| async move {
        let mut some = vec![0; SOME];
        drop(user.read_exact(&mut some).await);
        drop(user.set_zero_linger());
    })
    .await
}
