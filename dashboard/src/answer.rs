//! A file as an answer: its type, whether it is compressed, and what the page may do.

use std::{borrow::Cow, io::Write};

use culvert_http::web::{Answer, Request};
use flate2::{Compression, write::GzEncoder};
use http::{
    HeaderValue,
    header::{
        ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, REFERRER_POLICY,
        VARY, X_CONTENT_TYPE_OPTIONS,
    },
};

/// What a page may load and who may show it: only itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The type of a file by the end of its name, as browsers need it.
fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, end)| end) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

/// The answer that carries a file, compressed where the browser takes it so.
pub(crate) fn answer(
    request: &Request,
    name: &str,
    bytes: impl Into<Cow<'static, [u8]>>,
) -> Answer {
    let bytes = bytes.into();
    let takes_gzip = request
        .header(ACCEPT_ENCODING)
        .is_some_and(|given| given.contains("gzip"));
    let packed = takes_gzip.then(|| gzip(&bytes)).flatten();
    let is_packed = packed.is_some();
    let answer = Answer::body(kind(name), packed.unwrap_or_else(|| bytes.into_owned()))
        .with(VARY, HeaderValue::from_static("Accept-Encoding"))
        // A new release has new pages under the same names.
        .with(CACHE_CONTROL, HeaderValue::from_static("no-cache"))
        .with(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
        .with(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if is_packed {
        answer.with(CONTENT_ENCODING, HeaderValue::from_static("gzip"))
    } else {
        answer
    }
}

/// The same answer, confined to what the pages of this crate need.
pub(crate) fn confined(answer: Answer) -> Answer {
    answer.with(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY))
}

/// The bytes compressed; `None` if that failed, which memory does not.
fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(bytes).ok()?;
    packed.finish().ok()
}
