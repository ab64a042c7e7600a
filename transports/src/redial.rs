//! A session for clients without a mux: every stream is a connection of its own.

use culvert_io::Stream;
use culvert_transport::{Result, Session, TransportError};
use tokio_util::sync::CancellationToken;

use crate::stack::Dialler;

/// Dials anew, through all layers, for each stream that is opened (protocol 2).
///
/// Connections that were opened live on after [`close`](Session::close); who reads and writes them
/// ends them.
#[derive(Debug)]
pub struct Redial {
    dialler: Dialler,
    closed: CancellationToken,
}

impl Redial {
    pub(crate) fn new(dialler: Dialler) -> Self {
        Self {
            dialler,
            closed: CancellationToken::new(),
        }
    }
}

fn over() -> TransportError {
    TransportError::Closed("closed on our side".to_owned())
}

impl Session for Redial {
    async fn open(&self) -> Result<Stream> {
        tokio::select! {
            biased;
            () = self.closed.cancelled() => Err(over()),
            dialled = self.dialler.dial() => dialled,
        }
    }

    /// The server cannot reach us on connections that it did not accept; waits for the end.
    async fn accept(&self) -> Result<Stream> {
        self.closed.cancelled().await;
        Err(over())
    }

    async fn close(&self, why: &str) {
        tracing::debug!("no more connections to the server: {why}");
        self.closed.cancel();
    }

    async fn closed(&self) -> String {
        self.closed.cancelled().await;
        "closed on our side".to_owned()
    }
}
