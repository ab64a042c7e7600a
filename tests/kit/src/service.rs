//! A mock service: a bound address and the tasks that answer on it, which end with it.

use std::{
    future::Future,
    io,
    net::{Ipv4Addr, SocketAddr},
};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinSet,
};

use crate::{Error, Result};

/// Connections that may wait to be accepted: the standard library's 128 are too few for a crowd
/// of users that arrive at once, and what is turned away there looks like a fault of the tunnel.
const BACKLOG: u32 = 4096;

fn listen() -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    socket.listen(BACKLOG)
}

/// A running mock service; dropping it stops it.
///
/// Its tasks live in a `JoinSet`, not in the product's `Scope`: the kit depends on no crate that
/// it helps to test.
#[derive(Debug)]
pub struct Service {
    addr: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Service {
    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The port on which it listens.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.addr.port()
    }

    /// Serves every TCP connection to a fresh loopback port with `answer`.
    ///
    /// # Errors
    /// When no port can be bound.
    #[expect(
        clippy::unused_async,
        reason = "it must run in a runtime, which only async callers surely have"
    )]
    pub async fn tcp<F>(answer: impl Fn(TcpStream) -> F + Send + Sync + 'static) -> Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::tcp_on(listen().map_err(Error::io("bind a mock service"))?, answer)
    }

    /// Serves every connection that `listener` takes with `answer`.
    pub(crate) fn tcp_on<F>(
        listener: TcpListener,
        answer: impl Fn(TcpStream) -> F + Send + Sync + 'static,
    ) -> Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let addr = listener
            .local_addr()
            .map_err(Error::io("read a bound address"))?;
        Ok(Self::around(addr, async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                connections.spawn(answer(socket));
                while connections.try_join_next().is_some() {} // forget those that ended
            }
        }))
    }

    /// Runs `task` as the service behind `addr`, which the caller has bound.
    pub(crate) fn around(
        addr: SocketAddr,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let mut tasks = JoinSet::new();
        tasks.spawn(task);
        Self {
            addr,
            _tasks: tasks,
        }
    }
}
