//! The words of the client credentials grant: the form that asks, and what an answer says
//! (RFC 6749, sections 4.4 and 5). No I/O.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use culvert_conf::{OidcCredentials, Secret};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;

/// Characters of a provider's own words that are shown.
const SHOWN: usize = 200;

/// The longest that a token is believed to last: a day. A server's key may change meanwhile.
const LONGEST: u64 = 24 * 3600;

/// What an answer lacks. The text has the error that the provider names, and nothing else of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// The provider says no.
    #[error("{code:?} {description:?}")]
    Named {
        /// Its word for why.
        code: String,
        /// Its sentence for why; may be empty.
        description: String,
    },
    /// It says no without a word.
    #[error("cannot fetch token: {0}")]
    Status(StatusCode),
    /// It does not answer in JSON.
    #[error("cannot parse json")]
    Malformed,
    /// There is no token.
    #[error("server response missing access_token")]
    NoToken,
}

/// A form that asks for a token.
pub(super) struct Form {
    fields: BTreeMap<String, String>,
    id: String,
    secret: Secret,
}

impl Form {
    pub(super) fn new(config: &OidcCredentials) -> Self {
        let mut fields =
            BTreeMap::from([("grant_type".to_owned(), "client_credentials".to_owned())]);
        for (name, value) in [("scope", &config.scope), ("audience", &config.audience)] {
            if !value.is_empty() {
                fields.insert(name.to_owned(), value.clone());
            }
        }
        fields.extend(config.additional_endpoint_params.clone());
        Self {
            fields,
            id: config.client_id.clone(),
            secret: config.client_secret.clone(),
        }
    }

    /// The body of a request; `whole` puts id and secret into it.
    pub(super) fn text(&self, whole: bool) -> String {
        let mut fields: BTreeMap<&str, &str> = self
            .fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        if whole {
            fields.insert("client_id", &self.id);
            if !self.secret.is_empty() {
                fields.insert("client_secret", self.secret.expose());
            }
        }
        let pairs = fields
            .iter()
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        pairs.collect::<Vec<_>>().join("&")
    }

    /// The header with id and secret, each encoded as in a form (RFC 6749, section 2.3.1).
    pub(super) fn basic(&self) -> Result<HeaderValue, http::Error> {
        let pair = format!("{}:{}", encoded(&self.id), encoded(self.secret.expose()));
        let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair)))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// `application/x-www-form-urlencoded`, as Go's `url.QueryEscape`.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// A token that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(super) token: Secret,
    /// From now on; `None` if the provider does not say.
    pub(crate) lasts: Option<Duration>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    access_token: String,
    #[serde(default)]
    expires_in: Seconds,
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

/// Seconds as a number, or as some providers write it, in quotes.
#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Seconds {
    Number(f64),
    Text(String),
    #[default]
    None,
}

impl Seconds {
    fn whole(&self) -> Option<u64> {
        let text = match self {
            Self::Number(number) => format!("{number:.0}"),
            Self::Text(text) => text.clone(),
            Self::None => return None,
        };
        text.parse().ok().filter(|seconds| *seconds > 0)
    }
}

impl Grant {
    /// Reads an answer.
    ///
    /// # Errors
    /// It is no token.
    pub(crate) fn read(status: StatusCode, body: &[u8]) -> Result<Self, GrantError> {
        let answer: Option<Answer> = serde_json::from_slice(body).ok();
        let named = |answer: &Answer| GrantError::Named {
            code: shown(&answer.error),
            description: shown(&answer.error_description),
        };
        match answer {
            Some(answer) if !answer.error.is_empty() => Err(named(&answer)),
            _ if !status.is_success() => Err(GrantError::Status(status)),
            None => Err(GrantError::Malformed),
            Some(answer) if answer.access_token.is_empty() => Err(GrantError::NoToken),
            Some(answer) => Ok(Self {
                lasts: answer
                    .expires_in
                    .whole()
                    .map(|seconds| Duration::from_secs(seconds.min(LONGEST))),
                token: Secret::new(answer.access_token),
            }),
        }
    }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> OidcCredentials {
        OidcCredentials {
            client_id: "frp client".to_owned(),
            client_secret: Secret::new("p&ss=ü"),
            audience: "frps".to_owned(),
            scope: "a b".to_owned(),
            token_endpoint_url: "https://issuer.test/token".to_owned(),
            additional_endpoint_params: BTreeMap::from([("x".to_owned(), "1".to_owned())]),
            trusted_ca: None,
            insecure_skip_verify: false,
            proxy_url: None,
        }
    }

    #[test]
    fn the_form_is_sorted_and_has_the_secret_only_when_wanted() {
        let form = Form::new(&config());
        assert_eq!(
            form.text(false),
            "audience=frps&grant_type=client_credentials&scope=a+b&x=1"
        );
        assert!(
            form.text(true)
                .contains("client_id=frp+client&client_secret=p%26ss%3D%C3%BC&")
        );
        let header = form.basic().unwrap();
        assert!(header.is_sensitive());
        assert_eq!(
            header.to_str().unwrap(),
            format!("Basic {}", STANDARD.encode("frp+client:p%26ss%3D%C3%BC"))
        );
    }

    fn read(status: u16, body: &str) -> Result<Grant, GrantError> {
        Grant::read(StatusCode::from_u16(status).unwrap(), body.as_bytes())
    }

    #[test]
    fn a_grant_lasts_as_long_as_it_says() {
        let lasts = |body| read(200, body).unwrap().lasts.map(|l| l.as_secs());
        assert_eq!(lasts(r#"{"access_token":"t","expires_in":60}"#), Some(60));
        assert_eq!(lasts(r#"{"access_token":"t","expires_in":"60"}"#), Some(60));
        assert_eq!(lasts(r#"{"access_token":"t"}"#), None);
        assert_eq!(lasts(r#"{"access_token":"t","expires_in":null}"#), None);
        assert_eq!(lasts(r#"{"access_token":"t","expires_in":-4}"#), None);
        let day = Some(24 * 3600);
        assert_eq!(lasts(r#"{"access_token":"t","expires_in":1e300}"#), None);
        assert_eq!(lasts(r#"{"access_token":"t","expires_in":9999999}"#), day);
    }

    #[test]
    fn a_refusal_is_told_in_the_providers_words_shortened() {
        let long = "x".repeat(5000);
        let body = format!(r#"{{"error":"invalid_client","error_description":"{long}"}}"#);
        let text = read(401, &body).unwrap_err().to_string();
        assert!(text.starts_with("\"invalid_client\" \"xxx"), "{text}");
        assert!(text.len() < 300);
        assert_eq!(
            read(500, "<html>").unwrap_err().to_string(),
            "cannot fetch token: 500 Internal Server Error"
        );
        assert_eq!(read(200, "<html>").unwrap_err(), GrantError::Malformed);
        assert_eq!(read(200, "{}").unwrap_err(), GrantError::NoToken);
    }
}
