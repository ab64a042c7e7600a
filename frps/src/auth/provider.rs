//! A provider of tokens: who it says it is, and its keys, which change now and then (OpenID
//! Connect Discovery 1.0, sections 4 and 10).

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use culvert_conf::ServerOidc;
use culvert_http::{Limits, Outbound, OutboundError};
use culvert_io::Scope;
use culvert_program::{OriginError, Through, Trust, outbound};
use http::{Request, StatusCode, header::ACCEPT};
use parking_lot::RwLock;
use serde::Deserialize;
use tokio::{sync::Mutex, time::Instant};

use super::{
    claims::{Demands, TokenFault, Unverified},
    keys::{Algorithm, Keys},
};

/// What one request to the provider may cost: a client waits for it at its login, for as long as
/// upstream's client waits for an answer (protocol 3.3). Documents of real providers have a few
/// kilobytes.
const LIMITS: Limits = Limits {
    time: Duration::from_secs(8),
    body: 256 * 1024,
};

/// How long to believe that the keys are the ones just fetched: whoever sends tokens with made-up
/// key names cannot make us ask the provider more often.
const SETTLED: Duration = Duration::from_secs(5);

/// Why the provider's documents are of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// Policy: an address is none, or there is nothing to verify it with.
    #[error("{url}: {source}")]
    Url {
        /// The address.
        url: String,
        /// Why.
        source: OriginError,
    },
    /// World: it does not answer.
    #[error("Get {url:?}: {source}")]
    Unanswered {
        /// What was asked for.
        url: String,
        /// Why not.
        source: OutboundError,
    },
    /// World: it has no such document.
    #[error("Get {url:?}: {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// What it said.
        status: StatusCode,
    },
    /// Bytes: the document means nothing.
    #[error("oidc: failed to decode the document at {url}")]
    Document {
        /// Where it is.
        url: String,
    },
    /// Policy: it says that it is somebody else.
    #[error(
        "oidc: issuer did not match the issuer returned by provider, expected {expected:?} got \
         {got:?}; write the issuer exactly as the provider does"
    )]
    Issuer {
        /// Ours.
        expected: String,
        /// The provider's.
        got: String,
    },
    /// A bug: the request cannot be written.
    #[error("the request cannot be written")]
    Request(#[from] http::Error),
}

/// Why a token is not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// It does not say what it must.
    #[error(transparent)]
    Token(#[from] TokenFault),
    /// It is not signed by the provider.
    #[error("failed to verify signature: failed to verify id token signature")]
    Signature,
    /// The provider's keys cannot be had.
    #[error("failed to verify signature: fetching keys {0}")]
    Keys(#[source] DiscoveryError),
}

/// What the provider says of itself.
#[derive(Deserialize)]
pub(crate) struct Document {
    pub(crate) issuer: String,
    pub(crate) jwks_uri: String,
    #[serde(default)]
    id_token_signing_alg_values_supported: Vec<String>,
}

impl Document {
    /// Reads it; `None` if it means nothing.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// How the provider signs tokens, as far as we know how to check that.
    pub(crate) fn algorithms(&self) -> Vec<Algorithm> {
        let named = self.id_token_signing_alg_values_supported.iter();
        let known: Vec<_> = named.filter_map(|name| Algorithm::named(name)).collect();
        if known.is_empty() {
            // What every provider must have (OpenID Connect Core 1.0, section 15.1).
            vec![Algorithm::Rs256]
        } else {
            known
        }
    }
}

/// A provider, and the keys that it had last.
pub(super) struct Provider {
    demands: Demands,
    algorithms: Vec<Algorithm>,
    jwks: Site,
    keys: RwLock<Arc<Keys>>,
    /// When the keys were asked for last; held while somebody asks.
    asked: Mutex<Option<Instant>>,
}

impl Provider {
    /// Asks the issuer who it is.
    ///
    /// *Cancel safety*: nothing stays behind.
    ///
    /// # Errors
    /// It cannot be asked, or is somebody else.
    pub(super) async fn discover(
        config: &ServerOidc,
        scope: &Scope,
    ) -> Result<Self, DiscoveryError> {
        let issuer = &config.issuer;
        let url = issuer.trim_end_matches('/');
        let site = Site::new(format!("{url}/.well-known/openid-configuration"), scope)?;
        let body = site.get().await?;
        let document = Document::read(&body).ok_or_else(|| DiscoveryError::Document {
            url: site.url.clone(),
        })?;
        if document.issuer != *issuer {
            return Err(DiscoveryError::Issuer {
                expected: issuer.clone(),
                got: document.issuer,
            });
        }
        Ok(Self {
            demands: Demands {
                issuer: (!config.skip_issuer_check).then(|| issuer.clone()),
                audience: config.audience.clone(),
                expiry: !config.skip_expiry_check,
            },
            algorithms: document.algorithms(),
            jwks: Site::new(document.jwks_uri, scope)?,
            keys: RwLock::default(),
            asked: Mutex::default(),
        })
    }

    /// Checks a token and answers its subject. Asks for the provider's keys when none of those
    /// known signed it.
    ///
    /// *Cancel safety*: safe.
    ///
    /// # Errors
    /// The token is not accepted.
    pub(super) async fn verify(&self, token: &str) -> Result<String, VerifyError> {
        let token = Unverified::parse(token, &self.algorithms)?;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = now.map_or(0.0, |now| now.as_secs_f64());
        // Before the signature: a token that says the wrong thing costs no key.
        let subject = token.demand(&self.demands, now)?;
        let known = Arc::clone(&self.keys.read());
        if known.signed(&token) || self.newer(&known).await?.signed(&token) {
            Ok(subject.to_owned())
        } else {
            Err(VerifyError::Signature)
        }
    }

    /// The keys after `known`: those that somebody else has just fetched, or those that the
    /// provider has now.
    async fn newer(&self, known: &Arc<Keys>) -> Result<Arc<Keys>, VerifyError> {
        let mut asked = self.asked.lock().await;
        let current = Arc::clone(&self.keys.read());
        let settled = asked.is_some_and(|asked| asked.elapsed() < SETTLED);
        if settled || !Arc::ptr_eq(&current, known) {
            return Ok(current);
        }
        // Now, should we be dropped midway, and again for those who wait: they must not ask a
        // provider that is slow to fail one after the other.
        *asked = Some(Instant::now());
        let answer = self.jwks.get().await;
        *asked = Some(Instant::now());
        let body = answer.map_err(VerifyError::Keys)?;
        let keys = Keys::read(&body).ok_or_else(|| {
            VerifyError::Keys(DiscoveryError::Document {
                url: self.jwks.url.clone(),
            })
        })?;
        let keys = Arc::new(keys);
        *self.keys.write() = Arc::clone(&keys);
        Ok(keys)
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("demands", &self.demands)
            .finish_non_exhaustive()
    }
}

/// One document of the provider's.
struct Site {
    url: String,
    server: Outbound,
}

impl Site {
    fn new(url: String, scope: &Scope) -> Result<Self, DiscoveryError> {
        match outbound(&url, Trust::System, Through::Environment, LIMITS, scope) {
            Ok(server) => Ok(Self { url, server }),
            Err(source) => Err(DiscoveryError::Url { url, source }),
        }
    }

    async fn get(&self) -> Result<Bytes, DiscoveryError> {
        let request = Request::get(self.server.endpoint().path.as_str())
            .header(ACCEPT, "application/json")
            .body(Bytes::new())?;
        let sent = self.server.send(request).await;
        let answer = sent.map_err(|source| DiscoveryError::Unanswered {
            url: self.url.clone(),
            source,
        })?;
        if answer.status() != StatusCode::OK {
            return Err(DiscoveryError::Status {
                url: self.url.clone(),
                status: answer.status(),
            });
        }
        Ok(answer.into_body())
    }
}

#[cfg(test)]
mod tests;
