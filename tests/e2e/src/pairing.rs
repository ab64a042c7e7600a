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
}

impl Pairing {
    /// Both programs are ours.
    pub const OURS: Self = Self {
        frps: Peer::Ours,
        frpc: Peer::Ours,
    };
    /// Our frps serves a real frpc.
    pub const OUR_SERVER: Self = Self {
        frps: Peer::Ours,
        frpc: Peer::Real,
    };
    /// Our frpc logs in to a real frps.
    pub const OUR_CLIENT: Self = Self {
        frps: Peer::Real,
        frpc: Peer::Ours,
    };

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
