//! Values that operators write in one word: networks, bandwidths, times, names of hosts and of fast
//! paths. Any text is refused or means what it says.
#![no_main]

use culvert_conf::{Bandwidth, Network};
use culvert_http::canonical_host;
use culvert_io::FastPaths;
use culvert_program::{boolean, duration};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(network) = text.parse::<Network>() {
        assert_eq!(network.to_string().parse(), Ok(network));
    }
    if let Ok(Some(limit)) = Bandwidth::parse(text) {
        assert_eq!(Bandwidth::parse(&limit.text), Ok(Some(limit)));
    }
    // The longest that there is may be rounded up to one that is not.
    if let Ok(time) = duration(text)
        && let Ok(again) = duration(&format!("{}ns", time.as_nanos()))
    {
        // Times are added up in a number that has not all nanoseconds of long ones.
        assert!(again.abs_diff(time) <= time / 1_000_000_000, "{text}");
    }
    assert!(boolean(text).is_err() || text.len() <= 5);
    let host = canonical_host(text);
    assert!(!host.bytes().any(|byte| byte.is_ascii_uppercase()));
    if let Ok(chosen) = text.parse::<FastPaths>() {
        assert!(!chosen.to_string().is_empty());
    }
});
