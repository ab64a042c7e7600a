//! A request made ready for the service, step by step in upstream's order (protocol 5.4).

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version,
    header::{CONNECTION, CONTENT_LENGTH, COOKIE, FORWARDED, HOST, TE, TRANSFER_ENCODING, UPGRADE},
    request::Parts,
    uri,
};
use hyper::body::Body;

use super::{
    Forwarding, HttpRules,
    body::RequestBody,
    headers::{remove_hop_by_hop, set, tokens},
    target::Target,
};

static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The request for the service. `upgrade` is the protocol that the user wants to switch to.
pub(super) fn ready(
    mut parts: Parts,
    body: RequestBody,
    target: &Target,
    upgrade: Option<&HeaderValue>,
    (rules, user): (&HttpRules, &HeaderValue),
) -> Request<RequestBody> {
    let headers = &mut parts.headers;
    let trailers = tokens(headers, &TE).any(|token| token.eq_ignore_ascii_case("trailers"));
    remove_hop_by_hop(headers);
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    if let Some(protocol) = upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, protocol.clone());
    }
    headers.remove(FORWARDED);
    match rules.forwarding {
        Forwarding::Add(proto) => {
            append_forwarded_for(headers, user);
            headers.insert(FORWARDED_HOST.clone(), target.authority.clone());
            headers.insert(FORWARDED_PROTO.clone(), HeaderValue::from_static(proto));
        }
        Forwarding::Keep => {}
        Forwarding::Remove => {
            for name in [&FORWARDED_FOR, &FORWARDED_HOST, &FORWARDED_PROTO] {
                headers.remove(name);
            }
        }
    }
    let host = rules.host_rewrite.as_ref().unwrap_or(&target.authority);
    headers.insert(HOST, host.clone());
    set(headers, &rules.request);
    if parts.version == Version::HTTP_2 {
        join_cookies(headers);
    }
    // hyper sends no body of unknown length with a GET unless it is told to.
    if !body.is_end_stream() && !headers.contains_key(CONTENT_LENGTH) {
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    if parts.method != Method::CONNECT {
        parts.uri = service_uri(&parts.uri, host, target.to_proxy && !rules.origin_form);
    }
    parts.version = Version::HTTP_11;
    Request::from_parts(parts, body)
}

/// `X-Forwarded-For`: what stands there, and the user's address.
fn append_forwarded_for(headers: &mut HeaderMap, user: &HeaderValue) {
    let mut list: Vec<u8> = Vec::new();
    for value in headers.get_all(&FORWARDED_FOR) {
        list.extend_from_slice(value.as_bytes());
        list.extend_from_slice(b", ");
    }
    let value = if list.is_empty() {
        user.clone()
    } else {
        list.extend_from_slice(user.as_bytes());
        HeaderValue::from_maybe_shared(bytes::Bytes::from(list)).unwrap_or_else(|_| user.clone())
    };
    headers.insert(FORWARDED_FOR.clone(), value);
}

/// One `Cookie` line out of the crumbs of HTTP/2 (RFC 9113 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(COOKIE).iter().nth(1).is_none() {
        return;
    }
    let crumbs: Vec<&[u8]> = headers
        .get_all(COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if let Ok(value) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
        headers.insert(COOKIE, value);
    }
}

/// The target to send: origin-form, or absolute-form for `host` if that is how it came.
fn service_uri(uri: &Uri, host: &HeaderValue, absolute: bool) -> Uri {
    let mut parts = uri::Parts::default();
    parts.path_and_query = uri.path_and_query().cloned();
    if absolute && let Ok(authority) = uri::Authority::try_from(host.as_bytes()) {
        parts.scheme = Some(uri.scheme().cloned().unwrap_or(uri::Scheme::HTTP));
        parts.authority = Some(authority);
    }
    if parts.path_and_query.is_none() {
        parts.path_and_query = Some(uri::PathAndQuery::from_static("/"));
    }
    Uri::from_parts(parts).unwrap_or_default()
}
