//! YAML and JSON files: any text is accepted or refused, never a panic.
#![no_main]

use culvert_conf::{Strictness, parse_client};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for text in [text.to_owned(), format!("{{{text}")] {
        if let Err(refused) = parse_client(&text, "frpc.yaml", Strictness::Strict) {
            assert!(!refused.to_string().is_empty());
        }
    }
});
