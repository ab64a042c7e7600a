//! The name in a ClientHello: any bytes; asking for more always asks for more than there is.
#![no_main]

use culvert_http::sniff::{Sniff, h2_preface, server_name};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Sniff::NeedMore(at_least) = server_name(bytes) {
        assert!(at_least > bytes.len());
    }
    if let Sniff::NeedMore(at_least) = h2_preface(bytes) {
        assert!(at_least > bytes.len());
    }
});
