//! Sockets that are files, where the system has them.

use std::{io, path::Path};

use crate::Stream;

/// Connects to the Unix socket at `path`. Its peer shows no address.
///
/// *Cancel safety*: the socket is closed.
///
/// # Errors
/// Nobody listens there, or the system has no such sockets.
#[cfg(unix)]
pub async fn dial_unix(path: &Path) -> io::Result<Stream> {
    use std::net::{Ipv4Addr, SocketAddr};

    let socket = tokio::net::UnixStream::connect(path).await?;
    let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let peer = crate::Peer::new(nowhere, nowhere, "unix");
    Ok(Stream::new(socket, peer))
}

/// Connects to the Unix socket at `path`.
///
/// # Errors
/// Always: the system has no such sockets.
#[cfg(not(unix))]
#[expect(clippy::unused_async, reason = "the same shape as where it waits")]
pub async fn dial_unix(_path: &Path) -> io::Result<Stream> {
    Err(io::ErrorKind::Unsupported.into())
}
