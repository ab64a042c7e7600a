//! What frpc shows of others in a terminal: the answers of a running frpc, and what a port says to
//! `doctor`. Any bytes; of what strangers say there are few characters, and none that control.
#![no_main]

use frpc::parsers::{greeting, status};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for table in status(bytes).into_iter().flatten() {
        assert!(table.ends_with('\n'));
    }
    let (text, whole) = greeting(bytes);
    assert!(!text.chars().any(char::is_control));
    let longest = 3 * 120 * "\\u{10ffff}".len() + 200;
    assert!(text.len() <= longest, "{text}");
    for end in 0..bytes.len().min(64) {
        assert!(whole || !greeting(&bytes[..end]).1, "more was less");
    }
});
