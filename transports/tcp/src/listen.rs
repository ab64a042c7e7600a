//! Listening and accepting.

use std::{
    future::{Ready, ready},
    io,
    net::SocketAddr,
    time::Duration,
};

use culvert_io::{Peer, Stream, socket};
use culvert_transport::{Link, Listener, Result, Target, Transport};
use tokio::net::{TcpListener, TcpStream};

use crate::{Tcp, error, resolve};

/// Listens at a host (a name, an address, or `::` for both families) and a port; 0 lets the system
/// choose. Must run on the runtime that will accept.
///
/// *Cancel safety*: nothing is bound.
///
/// # Errors
/// The host has no address, or the system refuses it; the text has Go's words and the remedy.
pub async fn listen(host: &str, port: u16) -> Result<TcpListener> {
    let target = Target::new(host, port);
    let mut refused = None;
    for at in resolve(host, port).await? {
        match socket::listen(at) {
            Ok(listener) => return Ok(listener),
            Err(err) => refused = refused.or(Some(err)),
        }
    }
    let source = refused.unwrap_or_else(|| io::ErrorKind::NotFound.into());
    Err(error::listen(&target.to_string(), source))
}

/// Listens at one address. Must be called on the runtime that will accept.
///
/// # Errors
/// The system refuses it; the text has Go's words and the remedy.
pub fn bind(at: SocketAddr) -> Result<TcpListener> {
    socket::listen(at).map_err(|err| error::listen(&at.to_string(), err))
}

/// The accepting side of the transport.
#[derive(Debug)]
pub struct TcpAcceptor {
    listener: TcpListener,
    keepalive: Option<Duration>,
}

/// A socket needs no handshake; setting its options is all.
pub type TcpHandshake = Ready<Result<Link>>;

impl TcpAcceptor {
    pub(crate) const fn new(listener: TcpListener, keepalive: Option<Duration>) -> Self {
        Self {
            listener,
            keepalive,
        }
    }
}

fn link(socket: TcpStream, addr: SocketAddr, keepalive: Option<Duration>) -> Result<Link> {
    socket::tune(&socket, keepalive)?;
    let peer = Peer::new(addr, socket.local_addr()?, Tcp::NAME);
    Ok(Link::Pipe(Stream::tcp(socket, peer)))
}

impl Listener for TcpAcceptor {
    type Handshake = TcpHandshake;

    async fn accept(&mut self) -> io::Result<(Self::Handshake, SocketAddr)> {
        let (socket, addr) = self.listener.accept().await?;
        Ok((ready(link(socket, addr, self.keepalive)), addr))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}
