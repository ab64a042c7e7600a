//! Tokens of an OIDC provider for a client id and its secret (RFC 6749, section 4.4).

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use culvert_conf::{OidcCredentials, Secret};
use culvert_http::{Limits, Outbound, OutboundError};
use culvert_io::Scope;
use culvert_program::{OriginError, Through, Trust, outbound};
use http::{
    Method, Request,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use tokio::sync::Mutex;

use super::grant::{Form, Grant, GrantError};

/// What one request for a token may cost: as long as a dial may take, and many times what a
/// message with a token can have (protocol 3.1).
const LIMITS: Limits = Limits {
    time: Duration::from_secs(10),
    body: 64 * 1024,
};

/// How long before its end a token is replaced (Go's oauth2: expiryDelta).
const EARLY: Duration = Duration::from_secs(10);

/// Why the provider gave no token. Nothing in it is secret: of an answer it has the error that
/// the provider names, shortened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// It did not answer.
    #[error("{0}")]
    Unanswered(#[from] OutboundError),
    /// It said no, or nothing that means anything.
    #[error("oauth2: {0}")]
    Refused(#[from] GrantError),
    /// A bug, or a key that no header can have.
    #[error("the request cannot be written")]
    Request(#[from] http::Error),
}

/// Where a provider wants the client's id and secret (RFC 6749, section 2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the header for basic authentication.
    Header,
    /// In the form.
    Form,
}

/// What is known from the answers before.
#[derive(Default)]
struct Known {
    place: Option<Place>,
    /// A token, and until when it is used; by the wall clock, which goes on while a machine sleeps.
    token: Option<(Secret, SystemTime)>,
}

/// Asks a provider for tokens, and keeps them as long as they last.
pub(super) struct Credentials {
    provider: Outbound,
    form: Form,
    known: Mutex<Known>,
}

impl Credentials {
    /// Asks nothing yet.
    ///
    /// # Errors
    /// An address is none, or the authority's file cannot be used.
    pub(super) fn new(config: &OidcCredentials, scope: &Scope) -> Result<Self, OriginError> {
        let trust = match &config.trusted_ca {
            _ if config.insecure_skip_verify => Trust::Nobody,
            Some(file) => Trust::Authority(file),
            None => Trust::System,
        };
        let url = &config.token_endpoint_url;
        let through = match &config.proxy_url {
            Some(proxy) => Through::Proxy(proxy),
            None => Through::Environment,
        };
        Ok(Self {
            provider: outbound(url, trust, through, LIMITS, scope)?,
            form: Form::new(config),
            known: Mutex::default(),
        })
    }

    /// A token that is good for a while yet. Whoever comes while another asks waits for that
    /// answer. A token that does not say how long it lasts is used once, as upstream does.
    ///
    /// *Cancel safety*: safe.
    pub(super) async fn token(&self) -> Result<Secret, AskError> {
        let mut known = self.known.lock().await;
        if let Some((token, until)) = &known.token
            && SystemTime::now() < *until
        {
            return Ok(token.clone());
        }
        let grant = self.ask(&mut known.place).await?;
        known.token = grant.lasts.map(|lasts| {
            let until = SystemTime::now() + lasts.saturating_sub(EARLY);
            (grant.token.clone(), until)
        });
        Ok(grant.token)
    }

    /// Finds out where the provider wants the secret, as Go's oauth2 does: first in the header,
    /// and when that is refused in the form.
    async fn ask(&self, place: &mut Option<Place>) -> Result<Grant, AskError> {
        if let Some(place) = *place {
            return self.ask_with(place).await;
        }
        let (used, grant) = match self.ask_with(Place::Header).await {
            Err(AskError::Refused(_)) => (Place::Form, self.ask_with(Place::Form).await?),
            other => (Place::Header, other?),
        };
        *place = Some(used);
        Ok(grant)
    }

    async fn ask_with(&self, place: Place) -> Result<Grant, AskError> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(self.provider.endpoint().path.as_str())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json");
        if place == Place::Header {
            request = request.header(AUTHORIZATION, self.form.basic()?);
        }
        let form = self.form.text(place == Place::Form);
        let answer = self.provider.send(request.body(Bytes::from(form))?).await?;
        Ok(Grant::read(answer.status(), answer.body())?)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Credentials").field(&self.provider).finish()
    }
}

#[cfg(test)]
mod tests;
