//! A program as one of the transports.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use culvert_transport::{Options, Result, Traits, Transport};

use crate::{ExecConnector, ExecListener, environment::Launch};

/// The transport of one program: a pipe that is neither encrypted nor split for us, whatever the
/// program does on the network; TLS and the mux go on top as over TCP.
#[derive(Clone, Debug)]
pub struct Exec {
    program: Arc<PathBuf>,
}

impl Exec {
    /// What stands before the path of a program in `transport.protocol`.
    pub const PREFIX: &str = "exec:";

    /// The program at this path, which is run without arguments and without a shell.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: Arc::new(program.into()),
        }
    }

    /// The program that a value of `transport.protocol` names, if it names one.
    #[must_use]
    pub fn named(protocol: &str) -> Option<Self> {
        protocol.strip_prefix(Self::PREFIX).map(Self::new)
    }
}

impl Transport for Exec {
    type Connector = ExecConnector;
    type Listener = ExecListener;

    const NAME: &'static str = "exec";
    const TRAITS: Traits = Traits::PIPE;

    fn connector(&self, opts: &Options) -> Result<ExecConnector> {
        Ok(ExecConnector::new(
            Launch::new(&self.program, opts)?,
            opts.common,
        ))
    }

    async fn bind(&self, at: SocketAddr, opts: &Options) -> Result<ExecListener> {
        ExecListener::bind(Launch::new(&self.program, opts)?, at, opts.common).await
    }
}
