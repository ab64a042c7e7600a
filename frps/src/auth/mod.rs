//! How clients prove who they are: by the shared token or by OpenID Connect (protocol 3.6).

#[cfg(feature = "oidc")]
mod claims;
#[cfg(feature = "oidc")]
mod keys;
#[cfg_attr(not(feature = "oidc"), path = "../absent/provider.rs")]
mod provider;
mod subjects;

use culvert_conf::{AuthMethod, Scopes, Secret, ServerAuth};
use culvert_io::Scope;
use culvert_program::TokenError;
use culvert_wire::{
    AuthError as Mismatch, Key, Token, WireError,
    v2::{self, Negotiated},
};

#[cfg(feature = "oidc")]
pub use claims::TokenFault;
#[cfg(feature = "oidc")]
pub(crate) use claims::{Demands, Unverified};
#[cfg(feature = "oidc")]
pub(crate) use keys::{Algorithm, Keys};
#[cfg(feature = "oidc")]
pub(crate) use provider::Document;
pub use provider::{DiscoveryError, VerifyError};

use provider::Provider;
use subjects::Subjects;

/// Why this server cannot check anybody.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The shared token cannot be read.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The provider does not say who it is.
    #[error("auth.oidc.issuer: {0}")]
    Provider(#[from] DiscoveryError),
}

/// Why a message proves nothing; the text is for the client when `detailedErrorsToClient` is set.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Denied {
    /// It was not made with our token.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// It is no token of the provider's.
    #[error("invalid OIDC token in {at}: {why}")]
    Oidc {
        /// Upstream calls everything after the login a ping.
        at: &'static str,
        /// Why.
        why: VerifyError,
    },
    /// It is the token of somebody who has not logged in. Upstream lists those who have, which is
    /// nobody else's business.
    #[error("received different OIDC subject in login and ping. new subject: {0}")]
    Subject(String),
}

/// What proves a message.
enum Means {
    /// A digest with the shared token.
    Token,
    /// A token of an OIDC provider.
    Provider(Box<Provider>, Subjects),
}

/// How clients prove who they are.
pub(crate) struct Auth {
    /// Makes the keys of streams, whatever the method.
    token: Token,
    /// The key of v1 control streams and of encrypted work connections.
    pub(crate) key: Key,
    means: Means,
    scopes: Scopes,
}

impl Auth {
    /// Reads the shared token where that is not in the configuration, or asks the provider who it
    /// is; connections to it live in `scope`.
    ///
    /// *Cancel safety*: nothing stays behind.
    ///
    /// # Errors
    /// A file cannot be used, or the provider cannot be asked.
    pub(crate) async fn new(config: &ServerAuth, scope: &Scope) -> Result<Self, AuthError> {
        let mut method = config.method.clone();
        culvert_program::settle_token(&mut method).await?;
        let (token, means) = match method {
            AuthMethod::Token { token } => (token, Means::Token),
            // Settled above.
            AuthMethod::TokenSource(_) => (Secret::default(), Means::Token),
            AuthMethod::Oidc { oidc, token } => {
                let provider = Provider::discover(&oidc, scope).await?;
                (
                    token,
                    Means::Provider(Box::new(provider), Subjects::default()),
                )
            }
        };
        let token = Token::new(token.expose());
        Ok(Self {
            key: token.key(),
            token,
            means,
            scopes: config.scopes,
        })
    }

    /// Settles the control cipher of a client that speaks version 2, from its hello.
    ///
    /// # Errors
    /// There is nothing to agree on, or the hello means nothing.
    pub(crate) fn negotiate(&self, hello: &[u8]) -> Result<Negotiated, WireError> {
        v2::negotiate(hello, &self.token)
    }

    /// Checks the proof in a login. Takes a moment where a provider must be asked.
    ///
    /// *Cancel safety*: safe.
    pub(crate) async fn login(&self, timestamp: i64, key: &str) -> Result<(), Denied> {
        match &self.means {
            Means::Token => self.digest(timestamp, key, Mismatch::Login),
            Means::Provider(provider, subjects) => {
                let subject = provider.verify(key).await;
                let subject = subject.map_err(|why| Denied::Oidc { at: "login", why })?;
                subjects.add(subject);
                Ok(())
            }
        }
    }

    /// Checks the proof in a heartbeat, where `auth.additionalScopes` asks for one.
    ///
    /// *Cancel safety*: safe.
    pub(crate) async fn heartbeat(&self, timestamp: i64, key: &str) -> Result<(), Denied> {
        if !self.scopes.heartbeats {
            return Ok(());
        }
        self.later(timestamp, key, Mismatch::Heartbeat).await
    }

    /// Checks the proof in a work connection, where `auth.additionalScopes` asks for one.
    ///
    /// *Cancel safety*: safe.
    pub(crate) async fn work_conn(&self, timestamp: i64, key: &str) -> Result<(), Denied> {
        if !self.scopes.new_work_conns {
            return Ok(());
        }
        self.later(timestamp, key, Mismatch::NewWorkConn).await
    }

    async fn later(&self, timestamp: i64, key: &str, fault: Mismatch) -> Result<(), Denied> {
        match &self.means {
            Means::Token => self.digest(timestamp, key, fault),
            Means::Provider(provider, subjects) => {
                let subject = provider.verify(key).await;
                let subject = subject.map_err(|why| Denied::Oidc { at: "ping", why })?;
                if subjects.has(&subject) {
                    Ok(())
                } else {
                    Err(Denied::Subject(subject))
                }
            }
        }
    }

    fn digest(&self, timestamp: i64, key: &str, fault: Mismatch) -> Result<(), Denied> {
        if self.token.verify(timestamp, key) {
            Ok(())
        } else {
            Err(fault.into())
        }
    }
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.means {
            Means::Token => "Auth(token)",
            Means::Provider(..) => "Auth(oidc)",
        })
    }
}
