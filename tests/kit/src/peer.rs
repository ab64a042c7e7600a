//! Which implementation plays a role: ours, built on demand, or a real frp named by the operator.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::{process::Command, sync::OnceCell};

use crate::{Error, Result};

/// What a skipped test tells its reader.
pub const PEER_ADVICE: &str =
    "skipped: set FRP_PEER_FRPS and FRP_PEER_FRPC to the paths of real frp 0.70.1 programs";

/// One of the two programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The public side.
    Frps,
    /// The side beside the local services.
    Frpc,
}

impl Role {
    /// The program's file name, without the extension that some systems add.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frps => "frps",
            Self::Frpc => "frpc",
        }
    }
}

/// Who plays a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// This workspace's program.
    Ours,
    /// The program that `FRP_PEER_FRPS` or `FRP_PEER_FRPC` names.
    Real,
}

impl Peer {
    /// The program to start, or `None` for a real one that the operator has not named.
    ///
    /// Ours is taken from the directory that `CULVERT_BIN_DIR` names; without it, it is built
    /// once for the whole test run, in the profile of the test.
    ///
    /// # Errors
    /// When ours cannot be built.
    pub async fn binary(self, role: Role) -> Result<Option<PathBuf>> {
        let file = format!("{}{}", role.name(), std::env::consts::EXE_SUFFIX);
        match self {
            Self::Ours => Ok(Some(ours().await?.join(file))),
            Self::Real => {
                let variable = match role {
                    Role::Frps => "FRP_PEER_FRPS",
                    Role::Frpc => "FRP_PEER_FRPC",
                };
                Ok(std::env::var_os(variable)
                    .filter(|v| !v.is_empty())
                    .map(PathBuf::from))
            }
        }
    }
}

/// The directory that holds our two programs.
async fn ours() -> Result<&'static Path> {
    static BUILT: OnceCell<PathBuf> = OnceCell::const_new();
    let built = BUILT.get_or_try_init(async || {
        if let Some(dir) = std::env::var_os("CULVERT_BIN_DIR").filter(|v| !v.is_empty()) {
            return Ok(PathBuf::from(dir));
        }
        build().await
    });
    built.await.map(PathBuf::as_path)
}

/// The profile's directory that holds the running test: `target/debug/deps/e2e-…` →
/// `target/debug`.
fn profile() -> Result<PathBuf> {
    let this = std::env::current_exe().map_err(Error::io("find the running test"))?;
    let profile = this.ancestors().skip(1).find(|dir| !dir.ends_with("deps"));
    profile.map(Path::to_owned).ok_or_else(nowhere)
}

/// Cargo's target directory, in which the running test lies.
pub(crate) fn target() -> Result<PathBuf> {
    let target = profile()?.parent().map(Path::to_owned);
    target.ok_or_else(nowhere)
}

fn nowhere() -> Error {
    Error::wrong("the running test lies in no target directory")
}

/// Builds both programs beside the running test.
///
/// Cargo tells only the tests of a binary's own package where the binary is, so other tests ask
/// cargo to bring it up to date.
async fn build() -> Result<PathBuf> {
    let (dir, target) = (profile()?, target()?);
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--package", "frps", "--package", "frpc"]);
    cargo.arg("--target-dir").arg(target);
    if dir.ends_with("release") {
        cargo.arg("--release");
    }
    let built = cargo
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(Error::io("run cargo to build frps and frpc"))?;
    if built.status.success() {
        return Ok(dir);
    }
    let why = String::from_utf8_lossy(&built.stderr);
    Err(Error::wrong(format!("frps and frpc do not build:\n{why}")))
}
