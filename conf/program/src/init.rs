//! `init`: a first pair of files for a server and its client, with a token and a certificate, so
//! that the client verifies the server and nobody else gets in.

mod files;
mod plan;
mod questions;

use std::{
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
};

use clap::Args;
use culvert_conf::{ConfigError, Strictness};
use culvert_tls::{IdentityFiles, TlsError, prove};
use culvert_transport::report;

use crate::{Failure, say};
use files::Pair;
use plan::{Plan, PlanError, Published};

/// The flags of `init`; what they do not say is asked where there is a terminal.
#[derive(Debug, Clone, Args)]
pub struct Init {
    /// The name or address under which clients reach the server.
    #[arg(long, value_name = "HOST")]
    server: Option<String>,

    /// The port where clients connect to.
    #[arg(long, value_name = "PORT", default_value_t = 7000)]
    port: u16,

    /// A service to publish: NAME:tcp:LOCALPORT:REMOTEPORT, NAME:udp:LOCALPORT:REMOTEPORT,
    /// NAME:http:LOCALPORT:DOMAIN or NAME:https:LOCALPORT:DOMAIN. May be given again.
    #[arg(long = "proxy", value_name = "SERVICE")]
    proxies: Vec<Published>,

    /// Where the folders `server` and `client` are made.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,

    /// The server's certificate, if it has one already.
    #[arg(long, value_name = "FILE", requires_all = ["key", "ca"])]
    cert: Option<PathBuf>,

    /// The private key of that certificate.
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    /// The certificate of the authority that signed it.
    #[arg(long, value_name = "FILE", requires = "cert")]
    ca: Option<PathBuf>,

    /// Replace files that are there already.
    #[arg(long)]
    force: bool,

    /// Ask nothing.
    #[arg(long)]
    yes: bool,
}

/// Which of the two programs runs on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// frps.
    Server,
    /// frpc.
    Client,
}

/// Why there are no files.
#[derive(Debug, thiserror::Error)]
enum InitError {
    #[error("--server is missing: name the host where clients reach the server")]
    NoServer,
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("{} is there already; use --force to replace it, or --folder for another place", .0.display())]
    Exists(PathBuf),
    #[error("cannot write {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("no answer could be read")]
    Answer(#[source] io::Error),
    #[error("the certificate for {name} cannot be used: {}", report(source))]
    Certificate {
        name: String,
        #[source]
        source: TlsError,
    },
    #[error("what was written is not right, which is a mistake of this program")]
    Wrong(#[from] ConfigError),
    #[error("no random numbers: {0}")]
    Random(getrandom::Error),
}

impl Init {
    /// Makes the files, verifies them and says what to do next.
    ///
    /// # Errors
    /// Something is missing or there already; nothing was written then, or what was is said.
    pub fn run(&self, side: Side) -> Result<(), Failure> {
        let plan = self.plan()?;
        let pair = self.make(&plan, side)?;
        say(&pair.next_steps(side, &plan));
        Ok(())
    }

    /// What is wanted, by flags and answers.
    fn plan(&self) -> Result<Plan, InitError> {
        let mut plan = Plan::new(self.port, self.proxies.clone());
        let asks = !self.yes && io::stdin().is_terminal();
        match &self.server {
            Some(server) => plan.server.clone_from(server),
            None if asks => questions::ask(&mut plan, &mut io::stdin().lock(), &mut io::stdout())
                .map_err(InitError::Answer)?,
            None => return Err(InitError::NoServer),
        }
        plan.check()?;
        Ok(plan)
    }

    fn make(&self, plan: &Plan, side: Side) -> Result<Pair, InitError> {
        let folder = std::path::absolute(&self.folder).map_err(|source| InitError::Write {
            path: self.folder.clone(),
            source,
        })?;
        let pair = Pair::in_folder(&folder, self.given()?);
        // A certificate of one's own is looked at before anything is written.
        if let Some((identity, ca)) = &pair.given {
            believed(identity, ca, &plan.server)?;
        }
        pair.write(plan, side, &token()?, self.force)?;
        culvert_conf::load_server(&pair.server.file, Strictness::Strict)?;
        culvert_conf::load_client(&pair.client.file, Strictness::Strict)?;
        believed(&pair.identity(), &pair.ca, &plan.server)?;
        Ok(pair)
    }

    /// The certificate that there is already, with absolute paths.
    fn given(&self) -> Result<Option<(IdentityFiles, PathBuf)>, InitError> {
        let (Some(cert), Some(key), Some(ca)) = (&self.cert, &self.key, &self.ca) else {
            return Ok(None);
        };
        let absolute = |path: &Path| {
            std::path::absolute(path).map_err(|source| InitError::Write {
                path: path.to_owned(),
                source,
            })
        };
        let identity = IdentityFiles {
            cert: absolute(cert)?,
            key: absolute(key)?,
        };
        Ok(Some((identity, absolute(ca)?)))
    }
}

fn believed(identity: &IdentityFiles, ca: &Path, name: &str) -> Result<(), InitError> {
    prove(identity, ca, name).map_err(|source| InitError::Certificate {
        name: name.to_owned(),
        source,
    })
}

/// 256 random bits, as text.
fn token() -> Result<String, InitError> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let mut bits = [0; 32];
    getrandom::fill(&mut bits).map_err(InitError::Random)?;
    Ok(URL_SAFE_NO_PAD.encode(bits))
}

#[cfg(test)]
mod tests;
