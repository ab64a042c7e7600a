//! What this program reads of strangers, as functions of bytes: doors for the fuzz targets, and for
//! nobody else.

/// The configuration that the words of a command line give, the program's name first.
///
/// # Errors
/// What is wrong with them, or the help that they ask for.
#[cfg(feature = "flags")]
pub fn command_line(words: &[&str]) -> Result<(), String> {
    use crate::cli::Cli;
    use clap::{CommandFactory as _, Parser as _};
    use culvert_program::complaint;

    let cli = Cli::try_parse_from(words).map_err(|err| complaint(&Cli::command(), &err))?;
    let checked = cli.without_file(cli.options.reading(&[]));
    checked.map(drop).map_err(|err| err.0)
}

/// The commands of SSH clients, and whose keys they have.
#[cfg(feature = "ssh")]
pub mod ssh {
    use culvert_wire::msg::{Login, NewProxy};
    use russh::keys::PublicKey;

    use crate::ssh::{Said, Wish, owner_in};

    /// The login and the proxy that the command of a client with the key of `owner` asks for.
    ///
    /// # Errors
    /// What the client is told.
    pub fn command(line: &str, owner: Option<&str>) -> Result<(Login, NewProxy), String> {
        match Wish::parse(line, owner) {
            Ok(wish) => Ok((wish.login(owner.is_some()), wish.ask())),
            Err(Said::Help(text) | Said::Wrong(text)) => Err(text),
        }
    }

    /// Whose key `key` is, by the text of a file of authorized keys.
    #[must_use]
    pub fn owner(file: &str, key: &str) -> Option<String> {
        owner_in(file, &PublicKey::from_openssh(key).ok()?)
    }
}

/// What a provider of tokens answers, and its tokens.
#[cfg(feature = "oidc")]
pub mod oidc {
    use crate::auth::{Algorithm, Demands, Document, Keys, Unverified};

    /// The issuer, the address of the keys, and how many algorithms we know, by the document that
    /// a provider shows of itself.
    #[must_use]
    pub fn discovery(body: &[u8]) -> Option<(String, String, usize)> {
        let document = Document::read(body)?;
        let algorithms = document.algorithms().len();
        Some((document.issuer, document.jwks_uri, algorithms))
    }

    /// The subject of a token at `now`, in unix seconds, and whether one of the keys in the
    /// document `keys` signed it.
    ///
    /// # Errors
    /// Why it is refused without a look at the keys.
    pub fn token(token: &str, keys: &[u8], now: f64) -> Result<(String, bool), String> {
        let token = Unverified::parse(token, &Algorithm::ALL).map_err(|err| err.to_string())?;
        let demands = Demands {
            issuer: None,
            audience: Some("frps".to_owned()),
            expiry: true,
        };
        let subject = token.demand(&demands, now).map_err(|err| err.to_string())?;
        let signed = Keys::read(keys).is_some_and(|keys| keys.signed(&token));
        Ok((subject.to_owned(), signed))
    }
}

#[cfg(feature = "plugins")]
pub use crate::hooks::content_after as hook_content;
