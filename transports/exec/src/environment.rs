//! What a program is told when it starts, as protocol.md has it.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use culvert_transport::{Options, Result, TransportError};
use tokio::process::{Child, Command};

/// The version of protocol.md that is spoken.
const VERSION: &str = "1";

/// How to start a program, whatever its role.
#[derive(Clone)]
pub(crate) struct Launch {
    pub(crate) program: Arc<PathBuf>,
    /// The transport's own table as JSON; may hold secrets.
    options: Arc<str>,
    /// How long the program may take until it is ready.
    pub(crate) patience: Duration,
}

impl fmt::Debug for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launch")
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}

/// Which end of the tunnel the program stands at, and between which addresses.
#[derive(Clone, Debug)]
pub(crate) enum Role {
    /// It listens on loopback and leads to `remote`.
    Client {
        /// The server, `host:port`.
        remote: String,
    },
    /// It listens at `remote` and connects to us.
    Server {
        /// Where we accept what it brings.
        local: SocketAddr,
        /// Where it listens.
        remote: SocketAddr,
    },
}

impl Launch {
    pub(crate) fn new(program: &Arc<PathBuf>, opts: &Options) -> Result<Self> {
        let options = serde_json::to_string(&opts.table)
            .map_err(|err| TransportError::Internal(format!("options as JSON: {err}")))?;
        Ok(Self {
            program: Arc::clone(program),
            options: options.into(),
            patience: opts.common.dial_timeout,
        })
    }

    /// Starts the program for a role. Answers it and the loopback address that both sides use.
    pub(crate) fn start(&self, role: &Role) -> io::Result<(Child, SocketAddr)> {
        let (name, local, remote) = match role {
            Role::Client { remote } => ("client", free_loopback()?, remote.clone()),
            Role::Server { local, remote } => ("server", *local, remote.to_string()),
        };
        let mut command = Command::new(self.program.as_path());
        command
            .env("FRP_EXEC_VERSION", VERSION)
            .env("FRP_EXEC_ROLE", name)
            .env("FRP_LOCAL", local.to_string())
            .env("FRP_REMOTE", remote)
            .env("FRP_OPTIONS", &*self.options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // When our runtime itself goes down, nobody is left to ask politely.
            .kill_on_drop(true);
        // A Ctrl-C at the terminal is for us; the program ends after its connections have.
        #[cfg(unix)]
        command.process_group(0);
        Ok((command.spawn()?, local))
    }
}

/// A loopback address that was free a moment ago; SIP003 finds its port in the same way.
fn free_loopback() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
