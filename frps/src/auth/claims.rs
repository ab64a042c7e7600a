//! A signed token taken apart, and what it must say (RFC 7515, RFC 7519; upstream checks with
//! coreos/go-oidc, in the same order). No I/O; the token is a stranger's text.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::keys::Algorithm;

/// The longest token in bytes; a message of version 1 carries no longer one (protocol 3.1).
const LONGEST: usize = 16 * 1024;

/// How far our clock may be behind that of the provider (go-oidc, verify.go).
const NOT_BEFORE_LEEWAY: f64 = 300.0;

/// Characters of a token's own words that are shown.
const SHOWN: usize = 200;

/// Why a token is not accepted, whatever the provider's keys are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenFault {
    /// Bytes: no signed token.
    #[error("oidc: malformed jwt: {0}")]
    Malformed(&'static str),
    /// Policy: signed in a way that the provider does not use, or we do not know.
    #[error("oidc: id token signed with unsupported algorithm {0:?}")]
    Algorithm(String),
    /// Policy: another provider's.
    #[error("oidc: id token issued by a different provider, expected {expected:?} got {got:?}")]
    Issuer {
        /// Ours.
        expected: String,
        /// The token's.
        got: String,
    },
    /// Policy: for somebody else.
    #[error("oidc: expected audience {expected:?} got {got:?}")]
    Audience {
        /// Ours.
        expected: String,
        /// The token's.
        got: Vec<String>,
    },
    /// Policy: too old.
    #[error("oidc: token is expired")]
    Expired,
    /// Policy: too young.
    #[error("oidc: the token is not valid yet")]
    TooEarly,
}

/// A token taken apart; nothing in it is believed yet.
#[derive(Debug)]
pub(crate) struct Unverified<'t> {
    pub(super) algorithm: Algorithm,
    /// Which key it says it is signed with.
    pub(super) key_id: Option<String>,
    /// What is signed.
    pub(super) signed: &'t [u8],
    pub(super) signature: Vec<u8>,
    claims: Claims,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Names what must be understood; nothing is (RFC 7515, section 4.1.11).
    crit: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct Claims {
    #[serde(default)]
    iss: String,
    #[serde(default)]
    sub: String,
    #[serde(default)]
    aud: Audience,
    exp: Option<f64>,
    nbf: Option<f64>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
    #[default]
    None,
}

/// What a token must say.
#[derive(Debug)]
pub(crate) struct Demands {
    /// `None` = any.
    pub(crate) issuer: Option<String>,
    /// `None` = any.
    pub(crate) audience: Option<String>,
    pub(crate) expiry: bool,
}

impl<'t> Unverified<'t> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// It is none, or its algorithm is not among `allowed`.
    pub(crate) fn parse(token: &'t str, allowed: &[Algorithm]) -> Result<Self, TokenFault> {
        const PARTS: TokenFault = TokenFault::Malformed("it has not three parts");
        if token.len() > LONGEST {
            return Err(TokenFault::Malformed("it is too long"));
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(PARTS)?;
        let (header, claims) = signed.split_once('.').ok_or(PARTS)?;
        if claims.contains('.') {
            return Err(PARTS);
        }
        let bytes = |part: &str, fault| {
            let decoded = URL_SAFE_NO_PAD.decode(part);
            decoded.map_err(|_| TokenFault::Malformed(fault))
        };
        let header: Header = serde_json::from_slice(&bytes(header, "its header is no base64")?)
            .map_err(|_| TokenFault::Malformed("its header is no JSON object with an alg"))?;
        if header.crit.is_some() {
            return Err(TokenFault::Malformed("its header has crit"));
        }
        let algorithm = Algorithm::named(&header.alg)
            .filter(|algorithm| allowed.contains(algorithm))
            .ok_or_else(|| TokenFault::Algorithm(shown(&header.alg)))?;
        let claims = serde_json::from_slice(&bytes(claims, "its payload is no base64")?)
            .map_err(|_| TokenFault::Malformed("its claims are no JSON object of their types"))?;
        Ok(Self {
            algorithm,
            key_id: header.kid,
            signed: signed.as_bytes(),
            signature: bytes(signature, "its signature is no base64")?,
            claims,
        })
    }

    /// Checks what the token says at `now`, in unix seconds, and answers its subject. Whether the
    /// provider said it is another question.
    ///
    /// # Errors
    /// It does not say what it must.
    pub(crate) fn demand(&self, demands: &Demands, now: f64) -> Result<&str, TokenFault> {
        let claims = &self.claims;
        if let Some(expected) = &demands.issuer
            && claims.iss != *expected
        {
            return Err(TokenFault::Issuer {
                expected: expected.clone(),
                got: shown(&claims.iss),
            });
        }
        if let Some(expected) = &demands.audience
            && !claims.aud.has(expected)
        {
            return Err(TokenFault::Audience {
                expected: expected.clone(),
                got: claims.aud.shown(),
            });
        }
        if demands.expiry {
            if claims.exp.is_none_or(|end| end < now) {
                return Err(TokenFault::Expired);
            }
            if claims
                .nbf
                .is_some_and(|from| from > now + NOT_BEFORE_LEEWAY)
            {
                return Err(TokenFault::TooEarly);
            }
        }
        Ok(&claims.sub)
    }
}

impl Audience {
    fn has(&self, wanted: &str) -> bool {
        match self {
            Self::One(one) => one == wanted,
            Self::Many(many) => many.iter().any(|one| one == wanted),
            Self::None => false,
        }
    }

    fn shown(&self) -> Vec<String> {
        /// More than anybody compares.
        const MOST: usize = 8;
        match self {
            Self::One(one) => vec![shown(one)],
            Self::Many(many) => many.iter().take(MOST).map(|one| shown(one)).collect(),
            Self::None => vec![],
        }
    }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests;
