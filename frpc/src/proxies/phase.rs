//! How far the registration of a proxy is, in upstream's words (client/proxy/proxy_wrapper.go).

use tokio::time::Instant;

/// How far a registration is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not asked for in this session.
    New,
    /// Asked for; asked again when this moment comes.
    Waiting(Instant),
    /// Refused, and why; asked again when this moment comes.
    Refused(Instant, String),
    /// The server publishes it, there.
    Running(String),
    /// Another server publishes it; asked for when that is to change.
    Standby,
    /// Its service is not there; asked for when it comes back.
    CheckFailed,
    /// This build cannot serve it, and why.
    Unserved(String),
}

impl Phase {
    /// What status APIs say.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Waiting(_) => "wait start",
            Self::Refused(..) | Self::Unserved(_) => "start error",
            Self::Running(_) => "running",
            Self::Standby => "standby",
            Self::CheckFailed => "check failed",
        }
    }

    /// Why it does not run; empty if nothing is wrong.
    pub(crate) fn error(&self) -> &str {
        match self {
            Self::Refused(_, error) | Self::Unserved(error) => error,
            Self::New | Self::Waiting(_) | Self::Running(_) | Self::Standby | Self::CheckFailed => {
                ""
            }
        }
    }

    /// Whether an answer is awaited.
    pub(super) const fn is_asked(&self) -> bool {
        matches!(self, Self::Waiting(_))
    }

    /// Whether the server publishes it, or may do so before we hear of it.
    pub(super) const fn is_known_to_the_server(&self) -> bool {
        matches!(self, Self::Waiting(_) | Self::Running(_))
    }

    /// Whether the server is to be asked at `now`.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        match self {
            Self::New | Self::Standby | Self::CheckFailed => true,
            Self::Waiting(until) | Self::Refused(until, _) => now >= *until,
            Self::Running(_) | Self::Unserved(_) => false,
        }
    }
}
