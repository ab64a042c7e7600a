//! What a server shows in a handshake before anybody believes it: a certificate, of which people
//! are shown a little, and a ClientHello, whose name is hidden without any other change.
#![no_main]

use culvert_tls::{Certificate, hide_name};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Some(read) = Certificate::read(input) {
        assert!(read.names.len() <= 20);
        for text in read.names.iter().chain([&read.subject, &read.issuer]) {
            assert!(text.chars().count() <= 100 && !text.chars().any(char::is_control));
        }
    }
    let mut hidden = input.to_vec();
    hide_name(&mut hidden);
    let changed = hidden.iter().zip(input).filter(|(a, b)| a != b).count();
    assert!(hidden.len() == input.len() && changed <= 2);
    let once = hidden.clone();
    hide_name(&mut hidden);
    assert_eq!(hidden, once, "hidden twice");
});
