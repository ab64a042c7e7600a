//! Websocket frames: any bytes in any pieces. The decoder never panics, gives no more than it got,
//! and says the same whatever the pieces.
#![no_main]

use culvert_websocket::{Decoder, Header, Role};
use libfuzzer_sys::fuzz_target;

/// All that comes out, and how it ended.
fn run(role: Role, bytes: &[u8], piece: usize) -> (Vec<u8>, Option<Vec<u8>>, bool, bool) {
    let mut decoder = Decoder::new(role);
    let mut out = Vec::new();
    for piece in bytes.chunks(piece) {
        let mut piece = piece.to_vec();
        let n = decoder.decode(&mut piece);
        out.extend_from_slice(&piece[..n]);
    }
    let ping = decoder.take_ping();
    assert!(ping.as_ref().is_none_or(|p| p.len() <= 125));
    let failed = decoder.violation().is_some();
    (out, ping, decoder.is_closed(), failed)
}

fuzz_target!(|data: &[u8]| {
    let Some((&choice, bytes)) = data.split_first() else {
        return;
    };
    let role = if choice & 1 == 0 {
        Role::Server
    } else {
        Role::Client
    };
    let whole = run(role, bytes, bytes.len().max(1));
    assert!(whole.0.len() <= bytes.len());
    let piece = usize::from(choice >> 1) + 1;
    assert_eq!(run(role, bytes, piece), whole);
    if let Ok(Some((header, size))) = Header::parse(bytes) {
        let again = header.encode();
        assert!(again.as_ref().len() <= size);
        let size = again.as_ref().len();
        assert_eq!(Header::parse(again.as_ref()), Ok(Some((header, size))));
    }
});
