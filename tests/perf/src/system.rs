//! Who is measured: our pair, real frp, or no tunnel at all.

use std::path::PathBuf;

use culvert_kit::{Error, PEER_ADVICE, Peer, Result, Role, run};

use crate::{out::progress, pair::SOON};

/// A system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum System {
    /// Our frps and frpc
    Ours,
    /// Real frp
    Frp,
    /// No tunnel: what the load itself reaches
    Direct,
}

impl System {
    pub(crate) const ALL: [Self; 3] = [Self::Ours, Self::Frp, Self::Direct];
    /// Those that are two programs.
    pub(crate) const PAIRS: [Self; 2] = [Self::Ours, Self::Frp];

    /// Its name in tables and files.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Frp => "frp",
            Self::Direct => "direct",
        }
    }
}

/// The programs of a pair.
#[derive(Clone, Debug)]
pub(crate) struct Binaries {
    pub(crate) system: System,
    pub(crate) frps: PathBuf,
    pub(crate) frpc: PathBuf,
    /// What they say their version is.
    pub(crate) version: String,
}

impl Binaries {
    /// The programs of those among `systems` that are pairs and are on this machine.
    ///
    /// # Errors
    /// When ours do not build, or a program does not tell its version.
    pub(crate) async fn of(systems: &[System]) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for (system, peer) in [(System::Ours, Peer::Ours), (System::Frp, Peer::Real)] {
            if !systems.contains(&system) {
                continue;
            }
            if system == System::Ours {
                progress("building frps and frpc (or taking those of CULVERT_BIN_DIR)");
            }
            let frps = peer.binary(Role::Frps).await?;
            let (Some(frps), Some(frpc)) = (frps, peer.binary(Role::Frpc).await?) else {
                progress(&format!("ours alone is measured; {PEER_ADVICE}"));
                continue;
            };
            let asked = run("frps", &frps, &["--version"], SOON).await?;
            if asked.code != Some(0) {
                let program = frps.display();
                return Err(Error::wrong(format!("{program} does not tell its version")));
            }
            let version = asked.text.trim().to_owned();
            all.push(Self {
                system,
                frps,
                frpc,
                version,
            });
        }
        Ok(all)
    }
}
