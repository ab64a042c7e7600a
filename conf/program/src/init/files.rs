//! The files of a new pair: where they are and how they come there.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use culvert_tls::{IdentityFiles, Issued, issue};

use super::{InitError, Side, plan::Plan};

/// What one program is given.
#[derive(Debug, Clone)]
pub(super) struct Half {
    folder: PathBuf,
    /// Its configuration file.
    pub(super) file: PathBuf,
}

/// Both halves of the pair.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    /// What frps is given.
    pub(super) server: Half,
    /// What frpc is given.
    pub(super) client: Half,
    /// What frpc verifies frps with.
    pub(super) ca: PathBuf,
    /// The certificate that there was already, and its authority.
    pub(super) given: Option<(IdentityFiles, PathBuf)>,
}

/// Whether others may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Readers {
    Owner,
    All,
}

impl Pair {
    /// The pair below `folder`, an absolute path.
    pub(super) fn in_folder(folder: &Path, given: Option<(IdentityFiles, PathBuf)>) -> Self {
        let half = |name: &str, file: &str| {
            let folder = folder.join(name);
            let file = folder.join(file);
            Half { folder, file }
        };
        let client = half("client", "frpc.toml");
        Self {
            server: half("server", "frps.toml"),
            ca: client.folder.join("ca.crt"),
            client,
            given,
        }
    }

    /// The certificate of frps and its key.
    pub(super) fn identity(&self) -> IdentityFiles {
        match &self.given {
            Some((identity, _)) => identity.clone(),
            None => IdentityFiles {
                cert: self.server.folder.join("server.crt"),
                key: self.server.folder.join("server.key"),
            },
        }
    }

    /// Writes all files, or none if one of them is there already and is not to be replaced.
    pub(super) fn write(
        &self,
        plan: &Plan,
        side: Side,
        token: &str,
        replace: bool,
    ) -> Result<(), InitError> {
        let mut files = Vec::new();
        let identity = self.identity();
        let authority = match &self.given {
            Some((_, ca)) => fs::read_to_string(ca).map_err(|source| InitError::Write {
                path: ca.clone(),
                source,
            })?,
            None => {
                let Issued {
                    authority,
                    certificate,
                    key,
                } = issue(&plan.server).map_err(|source| InitError::Certificate {
                    name: plan.server.clone(),
                    source,
                })?;
                files.push((&identity.cert, certificate, Readers::All));
                files.push((&identity.key, key, Readers::Owner));
                authority
            }
        };
        files.push((&self.ca, authority, Readers::All));
        let text = plan.server_text(
            token,
            &self.seen(&identity.cert, side == Side::Server),
            &self.seen(&identity.key, side == Side::Server),
        );
        files.push((&self.server.file, text, Readers::Owner));
        let text = plan.client_text(token, &self.seen(&self.ca, side == Side::Client));
        files.push((&self.client.file, text, Readers::Owner));
        if !replace && let Some((path, ..)) = files.iter().find(|(path, ..)| path.exists()) {
            return Err(InitError::Exists((*path).clone()));
        }
        for (path, text, readers) in files {
            write(path, &text, readers, replace).map_err(|source| InitError::Write {
                path: path.clone(),
                source,
            })?;
        }
        Ok(())
    }

    /// How a file of ours is named in a configuration: by its whole path on this machine, by its
    /// name where its folder is still to be taken elsewhere.
    fn seen(&self, path: &Path, is_here: bool) -> PathBuf {
        let is_ours = [&self.server, &self.client]
            .iter()
            .any(|half| path.starts_with(&half.folder));
        match path.file_name() {
            Some(name) if is_ours && !is_here => name.into(),
            _ => path.to_owned(),
        }
    }

    /// What is left to do.
    pub(super) fn next_steps(&self, side: Side, plan: &Plan) -> String {
        let (here, there) = match side {
            Side::Server => (("frps", &self.server), ("frpc", &self.client)),
            Side::Client => (("frpc", &self.client), ("frps", &self.server)),
        };
        let mut steps = format!(
            "Written and verified: {} and {}\n\nNext:\n\
             1. Run here: {} -c {}\n\
             2. Take the folder {} to the other machine. It holds the token: let nobody else \
             read it.\n   Run there, in that folder: {} -c {}\n",
            self.server.file.display(),
            self.client.file.display(),
            here.0,
            here.1.file.display(),
            there.1.folder.display(),
            there.0,
            there.1.file.file_name().unwrap_or_default().display(),
        );
        steps.push_str(&format!(
            "3. Let TCP port {} of {} through its firewall.\n",
            plan.port, plan.server
        ));
        for line in plan.for_users() {
            steps.push_str(&format!("Users then reach {line}\n"));
        }
        steps
    }
}

fn write(path: &Path, text: &str, readers: Readers, replace: bool) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    if replace && path.exists() {
        // A new file has the readers that it is given; an old one would keep its own.
        fs::remove_file(path)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        let mode = match readers {
            Readers::Owner => 0o600,
            Readers::All => 0o644,
        };
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    }
    #[cfg(not(unix))]
    let _unused = readers;
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
