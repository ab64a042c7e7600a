//! The client's end: the program listens on loopback and leads to the server.

use std::sync::Arc;

use culvert_io::{Peer, Stream, socket};
use culvert_transport::{Common, Connector, Link, Result, Target, Transport, TransportError};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::{
    Exec,
    environment::{Launch, Role},
    error,
    supervise::Supervised,
};

/// Dials through a program, which is started by the first dial and kept running.
#[derive(Debug)]
pub struct ExecConnector {
    launch: Launch,
    common: Common,
    running: Mutex<Option<(Target, Arc<Supervised>)>>,
}

impl ExecConnector {
    pub(crate) const fn new(launch: Launch, common: Common) -> Self {
        Self {
            launch,
            common,
            running: Mutex::new(None),
        }
    }

    /// The program that leads to `to`; one that leads elsewhere is ended.
    fn program_for(&self, to: &Target) -> Arc<Supervised> {
        let mut running = self.running.lock();
        if let Some((target, program)) = running.as_ref()
            && target == to
        {
            return Arc::clone(program);
        }
        let role = Role::Client {
            remote: to.to_string(),
        };
        let program = Arc::new(Supervised::start(self.launch.clone(), role));
        *running = Some((to.clone(), Arc::clone(&program)));
        program
    }
}

impl Connector for ExecConnector {
    async fn connect(&self, to: &Target) -> Result<Link> {
        let limit = self.common.dial_timeout;
        let deadline = Instant::now() + limit;
        let program = self.program_for(to);
        let at = program.ready(limit).await?;
        let dial = socket::connect(at, None, self.common.keepalive);
        let socket = tokio::time::timeout_at(deadline, dial)
            .await
            .map_err(|_elapsed| TransportError::Timeout {
                what: format!("dial {at} to {}", program.program().display()),
                after: limit,
            })?
            .map_err(|err| error::loopback(program.program(), err))?;
        let peer = Peer::new(at, socket.local_addr()?, Exec::NAME);
        Ok(Link::Pipe(Stream::tcp(socket, peer)))
    }

    async fn close(&self) {
        let running = self.running.lock().take();
        if let Some((_, program)) = running {
            program.close().await;
        }
    }
}
