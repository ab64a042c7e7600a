//! Ways to the server: which there are, which is best now, and links over them.
//!
//! A [`Rung`] is one way to dial, a [`Path`] is one established link, the [`Ladder`] knows the
//! rungs of one server and what was seen of them. See docs/PATHS.md.

mod bundle;
mod drain;
mod ladder;
mod lookout;
mod memory;
mod network;
mod race;
mod standing;
mod status;
mod watch;
mod way;
mod words;

use std::{fmt, time::Duration};

use culvert_conf::Protocol;
use culvert_io::Scope;
use culvert_transport::{BoxSession, Target};

pub(crate) use bundle::{Bundle, Strand, Ways};
pub(crate) use ladder::Ladder;
pub(crate) use lookout::Advice;
pub(crate) use status::LadderStatus;

/// One way to dial the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rung {
    /// The transport.
    pub(crate) transport: Protocol,
    /// Where it is dialled.
    pub(crate) target: Target,
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.transport.as_str(), self.target)
    }
}

/// One established link to a server. Clones are the same link.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    /// Opens streams.
    pub(crate) session: BoxSession,
    /// How it was dialled.
    pub(crate) rung: Rung,
    /// How long dialling took, handshakes included.
    pub(crate) took: Duration,
    /// What drives the link.
    scope: Scope,
}

impl Path {
    /// Ends the link and all its streams. `why` is for our log.
    ///
    /// *Cancel safety*: the link ends in any case.
    pub(crate) async fn close(&self, why: &str) {
        self.session.close(why).await;
        self.scope.stop();
    }
}

/// What was seen of a rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// It cannot be dialled, or no frps answers over it.
    Failed,
    /// A link over it was in use and went bad, although others work.
    WentBad,
    /// A link over it was in use and ended by itself.
    Died,
}
