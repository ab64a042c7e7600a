//! The header rules of a proxy, and the headers that belong to one hop only.

use std::collections::BTreeMap;

use culvert_proxy::ProxyError;
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        CONNECTION, CONTENT_LENGTH, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE,
        TRANSFER_ENCODING, UPGRADE,
    },
};

use crate::Credentials;

/// What becomes of the headers that tell a service of its user (`X-Forwarded-*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarding {
    /// The user's address is appended, host and protocol are written anew; the protocol is this.
    Add(&'static str),
    /// They pass as they came.
    Keep,
    /// They are taken off.
    Remove,
}

/// What an http proxy wants done to its requests and responses.
#[derive(Clone, Debug)]
pub struct HttpRules {
    pub(super) auth: Option<Credentials>,
    pub(super) host_rewrite: Option<HeaderValue>,
    pub(super) request: Vec<(HeaderName, HeaderValue)>,
    pub(super) response: Vec<(HeaderName, HeaderValue)>,
    pub(super) forwarding: Forwarding,
    /// A request made to a proxy becomes one made to the service itself.
    pub(super) origin_form: bool,
}

impl Default for HttpRules {
    fn default() -> Self {
        Self {
            auth: None,
            host_rewrite: None,
            request: Vec::new(),
            response: Vec::new(),
            forwarding: Forwarding::Add("http"),
            origin_form: false,
        }
    }
}

impl HttpRules {
    /// Rules that set these headers, as `requestHeaders.set` and `responseHeaders.set` ask.
    ///
    /// # Errors
    /// Refused when a name or a value cannot stand in a header.
    pub fn new(
        request: &BTreeMap<String, String>,
        response: &BTreeMap<String, String>,
    ) -> Result<Self, ProxyError> {
        let (request, response) = (settable(request)?, settable(response)?);
        Ok(Self {
            request,
            response,
            ..Self::default()
        })
    }

    /// These rules for a bridge at the client: the service is asked as its users would ask it,
    /// and is told of them in this way.
    #[must_use]
    pub fn for_bridge(self, forwarding: Forwarding) -> Self {
        Self {
            forwarding,
            origin_form: true,
            ..self
        }
    }

    /// These rules, and users must give `credentials`.
    #[must_use]
    pub fn with_auth(self, credentials: Option<Credentials>) -> Self {
        Self {
            auth: credentials,
            ..self
        }
    }

    /// These rules, and the service sees `host` in place of the user's; empty changes nothing.
    ///
    /// # Errors
    /// Refused when it cannot stand in a header.
    pub fn with_host_rewrite(self, host: &str) -> Result<Self, ProxyError> {
        if host.is_empty() {
            return Ok(self);
        }
        let value = HeaderValue::from_str(host)
            .map_err(|_| ProxyError::refused("invalid host header rewrite"))?;
        Ok(Self {
            host_rewrite: Some(value),
            ..self
        })
    }
}

/// The headers of a table, without those that say where a message ends or whom it is for: Go
/// does not take these from a table either (net/http `reqWriteExcludeHeader`).
fn settable(
    table: &BTreeMap<String, String>,
) -> Result<Vec<(HeaderName, HeaderValue)>, ProxyError> {
    let mut headers = Vec::with_capacity(table.len());
    for (name, value) in table {
        let header = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| ProxyError::refused(format!("invalid header name [{name}]")))?;
        let value = HeaderValue::from_str(value)
            .map_err(|_| ProxyError::refused(format!("invalid value of header [{name}]")))?;
        if ![HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION].contains(&header) {
            headers.push((header, value));
        }
    }
    Ok(headers)
}

/// Sets headers over whatever stands there.
pub(super) fn set(headers: &mut HeaderMap, rules: &[(HeaderName, HeaderValue)]) {
    for (name, value) in rules {
        headers.insert(name.clone(), value.clone());
    }
}

static KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
static PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Removes what belongs to one hop (RFC 9110 7.6.1): `Connection`, what it lists, and the rest of
/// Go's list (net/http/httputil/reverseproxy.go). `Trailer` stays, because trailers pass.
pub fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let listed: Vec<HeaderName> = tokens(headers, &CONNECTION)
            .filter_map(|token| HeaderName::from_bytes(token.as_bytes()).ok())
            // A user must not have the length of a message removed, nor whom it is for.
            .filter(|name| *name != CONTENT_LENGTH && *name != HOST)
            .collect();
        for name in listed {
            headers.remove(name);
        }
        headers.remove(CONNECTION);
    }
    for name in [
        &PROXY_CONNECTION,
        &KEEP_ALIVE,
        &PROXY_AUTHENTICATE,
        &PROXY_AUTHORIZATION,
        &TE,
        &TRANSFER_ENCODING,
        &UPGRADE,
    ] {
        headers.remove(name);
    }
}

/// The tokens of a header that is a list, over all its lines.
pub(super) fn tokens<'a>(
    headers: &'a HeaderMap,
    name: &'a HeaderName,
) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|token| !token.is_empty())
}

/// The protocol that a message switches to, if `Connection` says that `Upgrade` counts.
pub(super) fn upgrade_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let value = headers.get(UPGRADE)?;
    let counts = tokens(headers, &CONNECTION).any(|token| token.eq_ignore_ascii_case("upgrade"));
    counts.then(|| value.clone())
}
