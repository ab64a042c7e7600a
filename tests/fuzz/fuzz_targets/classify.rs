//! The first bytes of a connection: a verdict, once given, does not change with more bytes, and
//! `ENOUGH` bytes always give one.
#![no_main]

use frps::front::{ENOUGH, Shared, Verdict, classify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for (http, https) in [(false, false), (false, true), (true, false), (true, true)] {
        let shared = Shared { http, https };
        let mut verdict = Verdict::NeedMore;
        for end in 0..=bytes.len().min(ENOUGH + 4) {
            let now = classify(&bytes[..end], shared);
            assert!(
                verdict == Verdict::NeedMore || now == verdict,
                "{verdict:?}, then {now:?}"
            );
            assert!(end < ENOUGH || now != Verdict::NeedMore);
            verdict = now;
        }
    }
});
