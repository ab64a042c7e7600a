//! Configuration files of both programs: any text is accepted or refused, never a panic, and a
//! refusal can be printed.
#![no_main]

use culvert_conf::{Strictness, parse_client, parse_server};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for strictness in [Strictness::Strict, Strictness::Lenient] {
        let server = parse_server(text, "frps.toml", strictness);
        let client = parse_client(text, "frpc.toml", strictness);
        for refused in [server.err(), client.err()].into_iter().flatten() {
            assert!(!refused.to_string().is_empty());
        }
    }
});
