//! Files of the legacy format: any text behind `[common]` is accepted or refused, never a panic.
#![no_main]

use culvert_conf::{Strictness, parse_client, parse_server};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let text = format!("[common]\n{text}");
    let server = parse_server(&text, "frps.ini", Strictness::Strict);
    let client = parse_client(&text, "frpc.ini", Strictness::Strict);
    for refused in [server.err(), client.err()].into_iter().flatten() {
        assert!(!refused.to_string().is_empty());
    }
});
