//! Values that are read at run time: `auth.tokenSource`, `auth.oidc.tokenSource` (upstream:
//! pkg/config/v1/value_source.go).

#[cfg_attr(not(feature = "exec"), path = "absent/program.rs")]
mod program;

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use culvert_conf::{AuthMethod, Secret, ValueSource};
use tokio::{
    fs::File,
    io::{AsyncRead, AsyncReadExt},
};

/// The longest value in bytes: several times what a message with a token may have (protocol 3.1).
const LONGEST: u64 = 64 * 1024;

/// How long reading may take: a program may ask a service in the network, and no longer than
/// a login waits for that network in all.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a value cannot be had. The text names the file or the program, never what came from it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// World: the file cannot be read.
    #[error("failed to read file {}: open {}: {}", path.display(), path.display(), reason(source))]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// World: the program cannot be started or read from.
    #[error("failed to execute command {command}: {}", reason(source))]
    Command {
        /// The program.
        command: String,
        /// What the system said.
        source: io::Error,
    },
    /// World: the program says by its exit code that it failed.
    #[error("failed to execute command {command}: {}", ended(status))]
    Failed {
        /// The program.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// Policy: there is more than a token can be.
    #[error("{what} gives more than {LONGEST} bytes, which is no token")]
    TooLong {
        /// The file or the program.
        what: String,
    },
    /// Bytes: not UTF-8.
    #[error("{what} gives something that is not UTF-8 text")]
    NotText {
        /// The file or the program.
        what: String,
    },
    /// World: nothing came in time.
    #[error("{what} gives no value within {PATIENCE:?}")]
    Timeout {
        /// The file or the program.
        what: String,
    },
}

/// What the system said, in Go's words: lower case, no number.
fn reason(err: &io::Error) -> String {
    let text = err.to_string();
    text.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_lowercase()
}

/// How a program ended, in Go's words where there is an exit code.
fn ended(status: &ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exit status {code}"),
        None => status.to_string(),
    }
}

/// Reads a value; white space around it is removed.
///
/// *Cancel safety*: a program that is running is killed.
///
/// # Errors
/// The file or the program does not give a text of sensible length in time.
pub async fn resolve(source: &ValueSource) -> Result<Secret, SourceError> {
    let read = async {
        match source {
            ValueSource::File { path } => file(path).await,
            ValueSource::Exec { command, args, env } => program::output(command, args, env).await,
        }
    };
    let bytes = match tokio::time::timeout(PATIENCE, read).await {
        Ok(done) => done?,
        Err(_elapsed) => return Err(SourceError::Timeout { what: name(source) }),
    };
    if bytes.len() as u64 > LONGEST {
        return Err(SourceError::TooLong { what: name(source) });
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Secret::new(text.trim())),
        Err(_) => Err(SourceError::NotText { what: name(source) }),
    }
}

/// `auth.tokenSource` could not be read when the program started.
#[derive(Debug, thiserror::Error)]
#[error("failed to resolve auth.tokenSource: {0}")]
pub struct TokenError(#[from] SourceError);

/// Reads the shared token where the configuration says where it is, once: a program that starts
/// does so before anything else (upstream: pkg/auth/auth.go).
///
/// *Cancel safety*: as [`resolve`].
///
/// # Errors
/// The source gives no token.
pub async fn settle_token<O>(method: &mut AuthMethod<O>) -> Result<(), TokenError> {
    if let AuthMethod::TokenSource(source) = method {
        let token = resolve(source).await?;
        *method = AuthMethod::Token { token };
    }
    Ok(())
}

fn name(source: &ValueSource) -> String {
    match source {
        ValueSource::File { path } => format!("file {}", path.display()),
        ValueSource::Exec { command, .. } => format!("command {command}"),
    }
}

async fn file(path: &Path) -> Result<Vec<u8>, SourceError> {
    let read = async { bounded(File::open(path).await?).await };
    read.await.map_err(|source| SourceError::File {
        path: path.to_owned(),
        source,
    })
}

/// All bytes, or one more than there may be.
async fn bounded(from: impl AsyncRead + Unpin) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(LONGEST + 1).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
