//! Keys of the gateway: its own, and those that may log in.

use std::{
    io,
    path::{Path, PathBuf},
};

use culvert_conf::SshTunnelGateway;
use russh::keys::{
    Algorithm, PrivateKey, PublicKey, decode_secret_key,
    key::safe_rng,
    ssh_key::{self, LineEnding},
};

/// The largest file of keys: some ten thousand of them.
const LARGEST: u64 = 4 << 20;

/// Why there is no host key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A file cannot be read or written.
    #[error("{path}: {source}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file holds no usable key.
    #[error("{path}: {why}; give a private key without a passphrase", path = .path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// No key could be made.
    #[error("cannot make a key: {0}")]
    Generate(#[from] ssh_key::Error),
}

/// The host key: the file that the configuration names, else the one that was made before, else a
/// new one that is kept there.
///
/// upstream: pkg/ssh/gateway.go makes an RSA key of 2048 bits. Ours is Ed25519, which is made in
/// no time and which upstream reads too.
///
/// # Errors
/// A file cannot be used.
pub(super) async fn host_key(config: &SshTunnelGateway) -> Result<PrivateKey, KeyError> {
    if let Some(path) = &config.private_key_file {
        return read(path).await.and_then(|text| decode(path, &text));
    }
    let path = &config.auto_gen_private_key_path;
    match read(path).await {
        Ok(text) => decode(path, &text),
        Err(KeyError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            let key = PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519)?;
            let text = key.to_openssh(LineEnding::LF)?;
            match culvert_program::write_whole(path, text.as_bytes()) {
                Ok(()) => Ok(key),
                // Another server with the same folder may have made one at the same moment.
                Err(source) => match read(path).await {
                    Ok(text) => decode(path, &text),
                    Err(_) => Err(file(path, source)),
                },
            }
        }
        Err(err) => Err(err),
    }
}

fn decode(path: &Path, text: &str) -> Result<PrivateKey, KeyError> {
    decode_secret_key(text, None).map_err(|err| KeyError::NoKey {
        path: path.to_owned(),
        why: err.to_string(),
    })
}

fn file(path: &Path, source: io::Error) -> KeyError {
    KeyError::File {
        path: path.to_owned(),
        source,
    }
}

async fn read(path: &Path) -> Result<String, KeyError> {
    let found = async {
        if tokio::fs::metadata(path).await?.len() > LARGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        tokio::fs::read_to_string(path).await
    };
    found.await.map_err(|source| file(path, source))
}

/// Whose key this is, by the comment behind it in the file of authorized keys; `None` if it may
/// not log in. The file is read anew each time, so that who is taken out stays out.
pub(super) async fn owner(file: &Path, key: &PublicKey) -> Option<String> {
    let text = match read(file).await {
        Ok(text) => text,
        Err(err) => {
            tracing::error!("load authorized keys file error: {err}");
            return None;
        }
    };
    owner_in(&text, key)
}

/// The same, by the text of the file.
pub(crate) fn owner_in(text: &str, key: &PublicKey) -> Option<String> {
    // Lines that are no keys are skipped, as upstream does.
    let mut keys = text.lines().filter_map(|line| {
        let line = line.trim();
        listed(line).or_else(|| listed(after_options(line)?))
    });
    let (_, comment) = keys.find(|(listed, _)| listed.key_data() == key.key_data())?;
    Some(comment.to_owned())
}

/// The key of a line without options, and the comment behind it (sshd(8), AUTHORIZED_KEYS).
fn listed(line: &str) -> Option<(PublicKey, &str)> {
    let (kind, rest) = line.split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    let (data, comment) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let key = PublicKey::from_openssh(&format!("{kind} {data}")).ok()?;
    Some((key, comment.trim()))
}

/// What follows the options that a line may begin with; inside quotes they may have spaces.
fn after_options(line: &str) -> Option<&str> {
    let mut quoted = false;
    let mut escaped = false;
    let end = line.find(|c: char| {
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        c.is_whitespace() && !quoted
    })?;
    line.get(end..).map(str::trim_start)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "ssh-ed25519 \
        AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    #[test]
    fn a_key_belongs_to_its_comment() {
        let key = PublicKey::from_openssh(ALICE).unwrap();
        let text = format!(
            "# people\n\nnot a key\nrestrict,command=\"x \\\" y\" {ALICE}  alice \n{ALICE} second\n"
        );
        assert_eq!(owner_in(&text, &key).as_deref(), Some("alice"));
        assert_eq!(owner_in(ALICE, &key).as_deref(), Some(""));
        assert_eq!(owner_in("# nobody\n", &key), None);
    }

    #[tokio::test]
    async fn a_key_is_made_once_and_kept() {
        let folder = std::env::temp_dir().join(format!("culvert-ssh-{}", std::process::id()));
        let mut config = SshTunnelGateway {
            bind_port: culvert_conf::Port::MAX,
            private_key_file: None,
            auto_gen_private_key_path: folder.join("key"),
            authorized_keys_file: None,
        };
        let made = host_key(&config).await.unwrap();
        let kept = host_key(&config).await.unwrap();
        assert_eq!(made.public_key(), kept.public_key());
        config.private_key_file = Some(folder.join("none"));
        let error = host_key(&config).await.unwrap_err();
        assert!(matches!(error, KeyError::File { .. }), "{error}");
        std::fs::write(folder.join("none"), "hello").unwrap();
        let error = host_key(&config).await.unwrap_err();
        assert!(matches!(error, KeyError::NoKey { .. }), "{error}");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
