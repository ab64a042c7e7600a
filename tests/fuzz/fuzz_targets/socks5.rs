//! The messages of a SOCKS5 user: any bytes; a message is taken whole or not at all, no beginning
//! of it is taken for another, and what is to be dialled can be.
#![no_main]

use std::net::IpAddr;

use culvert_plugins::socks5_messages::{Ask, LONGEST, Parsed, ask, login, methods};
use libfuzzer_sys::fuzz_target;

/// Reads one message as the plugin does, byte by byte, and answers what follows it.
fn read<'a, T>(bytes: &'a [u8], parse: fn(&[u8]) -> Parsed<T>) -> Option<(T, &'a [u8])> {
    for len in 0..=bytes.len() {
        match parse(&bytes[..len]) {
            Ok(Some((message, taken))) => {
                assert!(taken == len && taken <= LONGEST);
                return Some((message, &bytes[taken..]));
            }
            Ok(None) => assert!(len < LONGEST, "asks for more than any message has"),
            Err(_) => return None,
        }
    }
    None
}

fuzz_target!(|input: &[u8]| {
    let Some((with_login, bytes)) = input.split_first() else {
        return;
    };
    let Some((_, bytes)) = read(bytes, methods) else {
        return;
    };
    let bytes = if with_login % 2 == 1 {
        let Some((_, rest)) = read(bytes, login) else {
            return;
        };
        rest
    } else {
        bytes
    };
    if let Some((Ask::Connect(host, _), _)) = read(bytes, ask) {
        assert!(!host.is_empty() && host.len() <= 255);
        let is_name = host.bytes().all(|byte| byte.is_ascii_graphic());
        assert!(is_name || host.parse::<IpAddr>().is_ok());
    }
});
