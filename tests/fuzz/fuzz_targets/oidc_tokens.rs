//! Tokens of OpenID Connect and what their provider shows: any text is taken apart or refused, with
//! a reason that is no longer than people read.
//!
//! The input is a line for each of a token's header, claims and signature, and the provider's
//! document behind them.
#![no_main]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use culvert_http::Endpoint;
use frps::parsers::oidc::{discovery, token};
use libfuzzer_sys::fuzz_target;

/// When the seeds were not yet expired.
const NOW: f64 = 1000.0;

fuzz_target!(|text: &str| {
    let mut lines = text.splitn(4, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (header, claims, signature, document) = (line(), line(), line(), line());
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
    for token in [format!("{header}.{claims}.{signature}"), text.to_owned()] {
        self::token(&token, document.as_bytes(), NOW)
            .inspect_err(|why| assert!(!why.is_empty() && why.len() < 64 * 1024, "{why}"))
            .ok();
    }
    if let Some((issuer, keys, algorithms)) = discovery(document.as_bytes()) {
        assert!(algorithms > 0);
        for url in [issuer, keys] {
            drop(Endpoint::parse(&url));
        }
    }
});
