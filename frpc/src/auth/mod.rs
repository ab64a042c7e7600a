//! How this client proves who it is: by the shared token or by OpenID Connect (protocol 3.6).

#[cfg_attr(not(feature = "oidc"), path = "../absent/credentials.rs")]
mod credentials;
#[cfg(feature = "oidc")]
mod grant;

use std::fmt;

use culvert_conf::{AuthMethod, ClientAuth, ClientOidc, ValueSource};
use culvert_io::Scope;
use culvert_program::{OriginError, SourceError, TokenError};
use culvert_wire::Token;

pub use credentials::AskError;
use credentials::Credentials;
#[cfg(feature = "oidc")]
pub(crate) use grant::Grant;
#[cfg(feature = "oidc")]
pub use grant::GrantError;

/// Why this client cannot prove who it is, whatever the network does.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The shared token cannot be read.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The provider cannot be asked.
    #[error("auth.oidc: {0}")]
    Provider(#[from] OriginError),
}

/// Why a message could not be proved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The provider gave no token.
    #[error("couldn't generate OIDC token for login: {0}")]
    Provider(#[from] AskError),
    /// The token's file or program gave none.
    #[error("couldn't acquire OIDC token for login: {0}")]
    Source(#[from] SourceError),
}

/// What proves a message.
enum Means {
    /// A digest with the shared token.
    Token,
    /// A token of an OIDC provider.
    Provider(Box<Credentials>),
    /// A token that is read anew each time.
    Source(ValueSource),
}

/// How this client proves who it is.
pub(crate) struct Auth {
    /// Makes the keys of streams, whatever the method.
    token: Token,
    means: Means,
}

impl Auth {
    /// Reads the shared token where that is not in the configuration; connections to a provider
    /// live in `scope`.
    ///
    /// *Cancel safety*: nothing stays behind.
    ///
    /// # Errors
    /// A file cannot be used, or an address is none.
    pub(crate) async fn new(config: &ClientAuth, scope: &Scope) -> Result<Self, AuthError> {
        let mut method = config.method.clone();
        culvert_program::settle_token(&mut method).await?;
        let (token, means) = match method {
            AuthMethod::Token { token } => (token, Means::Token),
            // Settled above.
            AuthMethod::TokenSource(_) => (culvert_conf::Secret::default(), Means::Token),
            AuthMethod::Oidc { oidc, token } => match *oidc {
                ClientOidc::Source(source) => (token, Means::Source(source)),
                ClientOidc::Credentials(settings) => {
                    let credentials = Credentials::new(&settings, scope)?;
                    (token, Means::Provider(Box::new(credentials)))
                }
            },
        };
        Ok(Self {
            token: Token::new(token.expose()),
            means,
        })
    }

    /// The shared token, from which keys are made.
    pub(crate) const fn token(&self) -> &Token {
        &self.token
    }

    /// The proof of a message made now: its timestamp and privilege key. Takes a moment where a
    /// provider must be asked.
    ///
    /// *Cancel safety*: safe.
    pub(crate) async fn prove(&self) -> Result<(i64, String), ProofError> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let timestamp = now.map_or(0, |n| i64::try_from(n.as_secs()).unwrap_or(i64::MAX));
        let key = match &self.means {
            Means::Token => self.token.privilege_key(timestamp),
            Means::Provider(credentials) => credentials.token().await?.expose().to_owned(),
            Means::Source(source) => culvert_program::resolve(source).await?.expose().to_owned(),
        };
        Ok((timestamp, key))
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.means {
            Means::Token => "Auth(token)",
            Means::Provider(_) | Means::Source(_) => "Auth(oidc)",
        })
    }
}
