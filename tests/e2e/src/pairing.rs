//! Who plays the two roles, and where their programs are.

use std::path::PathBuf;

use culvert_kit::{PEER_ADVICE, Peer, Result, Role};

/// One implementation for each role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pairing {
    /// Who plays the public side.
    pub frps: Peer,
    /// Who plays the side beside the local services.
    pub frpc: Peer,
    /// Which fast paths our programs take, in the words of `CULVERT_FAST_PATHS`; `None` leaves that
    /// to the environment of the test.
    pub fast_paths: Option<&'static str>,
}

impl Pairing {
    /// Both programs are ours.
    pub const OURS: Self = Self {
        frps: Peer::Ours,
        frpc: Peer::Ours,
        fast_paths: None,
    };
    /// Our frps serves a real frpc.
    pub const OUR_SERVER: Self = Self {
        frps: Peer::Ours,
        frpc: Peer::Real,
        fast_paths: None,
    };
    /// Our frpc logs in to a real frps.
    pub const OUR_CLIENT: Self = Self {
        frps: Peer::Real,
        frpc: Peer::Ours,
        fast_paths: None,
    };

    /// Our pair with fast paths left out or forced.
    #[must_use]
    pub const fn ours_with(fast_paths: &'static str) -> Self {
        Self {
            fast_paths: Some(fast_paths),
            ..Self::OURS
        }
    }

    /// Whether both programs are ours.
    #[must_use]
    pub fn is_ours(self) -> bool {
        (self.frps, self.frpc) == (Peer::Ours, Peer::Ours)
    }

    /// The two programs, or `None`, after telling the reader how to name them, when one is a real
    /// frp that this machine does not have.
    ///
    /// # Errors
    /// When ours cannot be built.
    #[expect(clippy::print_stdout, reason = "a skipped test says so")]
    pub async fn binaries(self) -> Result<Option<(PathBuf, PathBuf)>> {
        let frps = self.frps.binary(Role::Frps).await?;
        let frpc = self.frpc.binary(Role::Frpc).await?;
        if let (Some(frps), Some(frpc)) = (frps, frpc) {
            return Ok(Some((frps, frpc)));
        }
        println!("{PEER_ADVICE}");
        Ok(None)
    }
}
