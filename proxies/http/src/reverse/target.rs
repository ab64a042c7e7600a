//! What a request is for, read once for routing, for authentication and for forwarding.

use std::borrow::Cow;

use http::{
    HeaderValue, Method, Version,
    header::{AUTHORIZATION, HOST, PROXY_AUTHORIZATION},
    request::Parts,
};

use super::fault::Fault;
use crate::{Basic, canonical_host};

/// What a request is for.
#[derive(Debug)]
pub(super) struct Target {
    /// Host and port as the user wrote them.
    pub(super) authority: HeaderValue,
    /// The request was made to a proxy: absolute-form, or CONNECT.
    pub(super) to_proxy: bool,
    /// The credentials that authentication looks at.
    pub(super) given: Option<Basic>,
    /// The credentials that routing falls back to.
    fallback: Option<Basic>,
}

impl Target {
    /// Reads the target.
    ///
    /// # Errors
    /// Malformed when the host is missing, given twice or in two ways, or no host.
    pub(super) fn new(parts: &Parts) -> Result<Self, Fault> {
        let is_h2 = parts.version == Version::HTTP_2;
        let in_target = parts.uri.authority().map(|authority| {
            let text = authority.as_str();
            text.rsplit_once('@').map_or(text, |(_, host)| host)
        });
        let host = host_header(parts)?;
        let authority = match in_target {
            Some(text) => {
                same_host(text, host)?;
                HeaderValue::from_str(text).map_err(|_| Fault::Malformed("host"))?
            }
            None => match host {
                Some(host) => host.clone(),
                None if parts.version == Version::HTTP_10 => HeaderValue::from_static(""),
                None => return Err(Fault::Malformed("missing host")),
            },
        };
        if !authority.as_bytes().iter().all(|b| may_be_in_host(*b)) {
            return Err(Fault::Malformed("host"));
        }
        // In HTTP/2 every target has an authority; it says nothing about a proxy.
        let to_proxy = parts.method == Method::CONNECT || in_target.is_some() && !is_h2;
        let basic = |name| parts.headers.get(name).and_then(Basic::parse);
        let (given, fallback) = if to_proxy {
            (basic(PROXY_AUTHORIZATION), basic(AUTHORIZATION))
        } else {
            (basic(AUTHORIZATION), None)
        };
        Ok(Self {
            authority,
            to_proxy,
            given,
            fallback,
        })
    }

    /// The host to route by.
    pub(super) fn host(&self) -> &str {
        self.authority.to_str().unwrap_or_default()
    }

    /// The user to route by.
    pub(super) fn user(&self) -> &str {
        self.given
            .as_ref()
            .or(self.fallback.as_ref())
            .map_or("", Basic::user)
    }
}

/// Upstream goes by the target alone, as RFC 9112 3.2.2 has it; but what stands in front of us may
/// have gone by the header (RFC 9113 8.3.1 lets such a request be refused).
fn same_host(in_target: &str, header: Option<&HeaderValue>) -> Result<(), Fault> {
    let Some(header) = header else { return Ok(()) };
    let header = header.to_str().map_err(|_| Fault::Malformed("host"))?;
    if canonical_host(header) == canonical_host(in_target) {
        Ok(())
    } else {
        Err(Fault::Malformed("two hosts"))
    }
}

/// The one `Host` header.
fn host_header(parts: &Parts) -> Result<Option<&HeaderValue>, Fault> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(Fault::Malformed("more than one host"));
    }
    Ok(host)
}

/// The characters of RFC 3986 3.2.2, as Go's `ValidHostHeader`.
pub(crate) fn may_be_in_host(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!$%&'()*+,-.:;=[]_~".contains(&b)
}

/// The path to route by, percent-decoded; a CONNECT has none.
///
/// # Errors
/// Malformed when an escape is not two hexadecimal digits, as in Go's `net/url`.
pub(super) fn routing_path(parts: &Parts) -> Result<Cow<'_, str>, Fault> {
    if parts.method == Method::CONNECT {
        return Ok(Cow::Borrowed(""));
    }
    let path = parts.uri.path();
    if !path.contains('%') {
        return Ok(Cow::Borrowed(path));
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            let escape = digit()
                .zip(digit())
                .and_then(|(high, low)| u8::try_from(high << 4 | low).ok());
            decoded.push(escape.ok_or(Fault::Malformed("escape in path"))?);
        } else {
            decoded.push(byte);
        }
    }
    Ok(Cow::Owned(String::from_utf8_lossy(&decoded).into_owned()))
}
