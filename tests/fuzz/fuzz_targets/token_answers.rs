//! Answers of a provider that was asked for a token: any status and body are a token or a reason,
//! which is no longer than people read.
#![no_main]

use std::time::Duration;

use frpc::parsers::token_answer;
use http::StatusCode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((choice, body)) = input.split_first() else {
        return;
    };
    let status = [StatusCode::OK, StatusCode::UNAUTHORIZED][usize::from(choice & 1)];
    match token_answer(status, body) {
        Ok(lasts) => {
            assert!(status.is_success());
            assert!(lasts.is_none_or(|time| time <= Duration::from_secs(24 * 3600)));
        }
        Err(why) => {
            let why = why.to_string();
            assert!(!why.is_empty() && why.len() < 8 * 1024, "{why}");
        }
    }
});
