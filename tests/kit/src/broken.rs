//! Servers and proxies as broken networks have them, each as small as it can be.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional},
    net::TcpStream,
    time,
};

use crate::{Result, Service};

/// The longest head of a request that is read.
const MAX_HEAD: usize = 16 * 1024;

/// How a web proxy treats those who want to be connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// It connects them.
    Connects,
    /// It answers 403.
    Refuses,
    /// It says that it connects them, and holds back what passes.
    Buffers,
}

/// Whoever connects and says something gets these bytes and the end, whatever it was.
///
/// # Errors
/// When no port can be bound.
pub async fn parrot(bytes: &str) -> Result<Service> {
    let bytes = Arc::<str>::from(bytes);
    Service::tcp(move |mut socket| {
        let bytes = Arc::clone(&bytes);
        async move {
            let mut said = [0; 4096];
            // Clients that go away are part of the test.
            if let Ok(1..) = socket.read(&mut said).await {
                drop(socket.write_all(bytes.as_bytes()).await);
                drop(socket.shutdown().await);
                while let Ok(1..) = socket.read(&mut said).await {}
            }
        }
    })
    .await
}

/// Whoever says something is reset.
///
/// # Errors
/// When no port can be bound.
pub async fn resetter() -> Result<Service> {
    Service::tcp(|mut socket| async move {
        let mut said = [0; 1];
        drop(socket.read(&mut said).await);
        drop(socket.set_zero_linger());
    })
    .await
}

/// A way to `to` on which some bytes pass ten times in a second, in each direction.
///
/// # Errors
/// When no port can be bound.
pub async fn crawl(to: SocketAddr, bytes: usize) -> Result<Service> {
    Service::tcp(move |near| async move {
        let Ok(far) = TcpStream::connect(to).await else {
            return;
        };
        let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
        tokio::join!(drip(near_in, far_out, bytes), drip(far_in, near_out, bytes));
    })
    .await
}

async fn drip(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, bytes: usize) {
    let mut some = vec![0; bytes];
    while let Ok(len @ 1..) = from.read(&mut some).await {
        time::sleep(Duration::from_millis(100)).await;
        let some = some.get(..len).unwrap_or_default();
        if to.write_all(some).await.is_err() {
            return;
        }
    }
    drop(to.shutdown().await);
}

/// A web proxy that treats everybody so, and connects all to `to`, whatever they ask for.
///
/// # Errors
/// When no port can be bound.
pub async fn web_proxy(to: SocketAddr, treatment: Treatment) -> Result<Service> {
    Service::tcp(move |mut socket| async move {
        if asked(&mut socket).await {
            drop(treat(socket, to, treatment).await);
        }
    })
    .await
}

/// Reads over the head of a request, byte by byte: what comes behind is not for the proxy.
async fn asked(socket: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    while head.len() < MAX_HEAD {
        let Ok(byte) = socket.read_u8().await else {
            return false;
        };
        head.push(byte);
        if head.ends_with(b"\r\n\r\n") {
            return head.starts_with(b"CONNECT ");
        }
    }
    false
}

async fn treat(mut socket: TcpStream, to: SocketAddr, treatment: Treatment) -> std::io::Result<()> {
    match treatment {
        Treatment::Refuses => {
            let refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
            socket.write_all(refusal).await
        }
        Treatment::Buffers => {
            socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            let mut held = [0; 4096];
            while socket.read(&mut held).await? > 0 {}
            Ok(())
        }
        Treatment::Connects => {
            let mut far = TcpStream::connect(to).await?;
            socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            copy_bidirectional(&mut socket, &mut far).await.map(drop)
        }
    }
}
