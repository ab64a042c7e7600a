//! The server's end: the program listens on the network and connects to us.

use std::{
    future::{Ready, ready},
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use culvert_io::{Peer, Stream, socket};
use culvert_transport::{Common, Link, Listener, Result, Transport};
use tokio::net::{TcpListener, TcpStream};

use crate::{
    Exec,
    environment::{Launch, Role},
    error,
    supervise::Supervised,
};

/// Accepts what a program brings. Its peers all have loopback addresses.
#[derive(Debug)]
pub struct ExecListener {
    listener: TcpListener,
    program: Supervised,
    at: SocketAddr,
    keepalive: Option<Duration>,
}

/// The program has done every handshake.
pub type ExecHandshake = Ready<Result<Link>>;

impl ExecListener {
    pub(crate) async fn bind(launch: Launch, at: SocketAddr, common: Common) -> Result<Self> {
        let listener = socket::listen((Ipv4Addr::LOCALHOST, 0).into())
            .map_err(|err| error::down(&launch.program, &format!("has no loopback: {err}")))?;
        let patience = launch.patience;
        let role = Role::Server {
            local: listener.local_addr()?,
            remote: at,
        };
        let program = Supervised::start(launch, role);
        let at = program.ready(patience).await?;
        Ok(Self {
            listener,
            program,
            at,
            keepalive: common.keepalive,
        })
    }
}

fn link(socket: TcpStream, addr: SocketAddr, keepalive: Option<Duration>) -> Result<Link> {
    socket::tune(&socket, keepalive)?;
    let peer = Peer::new(addr, socket.local_addr()?, Exec::NAME);
    Ok(Link::Pipe(Stream::tcp(socket, peer)))
}

impl Listener for ExecListener {
    type Handshake = ExecHandshake;

    async fn accept(&mut self) -> io::Result<(Self::Handshake, SocketAddr)> {
        let (socket, addr) = self.listener.accept().await?;
        Ok((ready(link(socket, addr, self.keepalive)), addr))
    }

    /// Where the program says that it listens.
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.at)
    }

    async fn close(&mut self) {
        self.program.close().await;
    }
}
