//! The head of a CONNECT: any bytes, in pieces of the size that the first one says; what is found does not depend on the
//! pieces, and asking for more always asks for more than there is.
#![no_main]

use culvert_http::{Connect, ConnectReader, MAX_CONNECT, sniff::Sniff};
use libfuzzer_sys::fuzz_target;

fn read(bytes: &[u8], piece: usize) -> Option<Connect> {
    let mut reader = ConnectReader::new();
    let mut seen = 0;
    while seen < bytes.len() {
        seen = bytes.len().min(seen + piece);
        match reader.look(&bytes[..seen]) {
            Sniff::Found(connect) => {
                assert!(connect.len <= seen.min(MAX_CONNECT));
                return Some(connect);
            }
            Sniff::NeedMore(at_least) => assert!(at_least > seen && seen < MAX_CONNECT),
            Sniff::No => return None,
        }
    }
    None
}

fuzz_target!(|input: &[u8]| {
    let Some((piece, bytes)) = input.split_first() else {
        return;
    };
    let whole = read(bytes, bytes.len().max(1));
    let parts = read(bytes, usize::from(*piece) + 1);
    // A piece may end in front of the head's end, never change what the head says.
    if let (Some(whole), Some(parts)) = (&whole, &parts) {
        assert_eq!((&whole.target, whole.len), (&parts.target, parts.len));
        assert_eq!(whole.user(), parts.user());
    }
    assert_eq!(whole.is_some(), parts.is_some());
});
