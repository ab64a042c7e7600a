//! v2 frames, messages and hellos: any bytes, whole or in pieces, give the same openings and the
//! same fault; what was read can be written and read again; a hello is answered or refused.
#![no_main]

use bytes::BytesMut;
use culvert_wire::{
    Token, Version,
    v2::{self, Bootstrap, Offer, Opening},
};
use libfuzzer_sys::fuzz_target;

/// Decodes everything in `bytes`, handing them over `step` at a time.
fn decode(bytes: &[u8], step: usize) -> (Vec<Opening>, bool) {
    let (mut buffer, mut openings) = (BytesMut::new(), Vec::new());
    for piece in bytes.chunks(step) {
        buffer.extend_from_slice(piece);
        loop {
            let needed = v2::needed(&buffer);
            let before = buffer.len();
            match v2::decode_opening(&mut buffer) {
                Ok(Some(opening)) => {
                    // A reader that reads no further than `needed` never takes what follows.
                    assert_eq!(needed.ok(), Some(before - buffer.len()));
                    openings.push(opening);
                }
                Ok(None) => {
                    assert!(needed.is_ok_and(|n| n > before), "no progress is asked for");
                    assert_eq!(before, buffer.len(), "half a frame was taken");
                    break;
                }
                Err(_) => return (openings, true),
            }
        }
    }
    (openings, false)
}

fuzz_target!(|bytes: &[u8]| {
    if let Some(version) = Version::sniff(bytes) {
        assert_eq!(version == Version::V2, bytes.starts_with(v2::MAGIC));
    }
    let bytes = bytes.strip_prefix(v2::MAGIC).unwrap_or(bytes);
    let (openings, fault) = decode(bytes, bytes.len().max(1));
    for step in [1, 7] {
        let (again, same_fault) = decode(bytes, step);
        assert_eq!((again.len(), same_fault), (openings.len(), fault));
    }
    let token = Token::new("token");
    for opening in openings {
        match opening {
            Opening::Hello(hello) => {
                if let Ok(agreed) = v2::negotiate(&hello, &token) {
                    assert!(agreed.payload.len() < 1024);
                }
            }
            Opening::Message(message) => {
                let mut out = BytesMut::new();
                // A body may grow when written, by Go's escapes; then it may be refused.
                if v2::encode(&message, &mut out).is_ok() {
                    let again = v2::decode(&mut out);
                    assert!(matches!(again, Ok(Some(m)) if m == message), "{message:?}");
                }
            }
        }
    }
    if let Ok(offer) = Offer::new(Bootstrap::default()) {
        let _refused = offer.accept(bytes, &token);
    }
});
