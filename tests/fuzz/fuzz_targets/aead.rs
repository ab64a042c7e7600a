//! Records of the v2 control cipher: any bytes, whole or in pieces, are opened or refused alike;
//! what was sealed is opened, and what was changed after that is not.
#![no_main]

use culvert_wire::v2::{AeadKey, Algorithm, NONCE, Opener, Sealer};
use libfuzzer_sys::fuzz_target;

/// Opens everything in `bytes`, which come `step` at a time; answers the plain bytes and whether
/// there was a fault.
fn open(key: &AeadKey, bytes: &[u8], step: usize) -> (Vec<u8>, bool) {
    let mut opener = Opener::new(key);
    let (mut have, mut plain) = (Vec::new(), Vec::new());
    for piece in bytes.chunks(step) {
        have.extend_from_slice(piece);
        loop {
            match opener.open(&mut have) {
                Ok(Some(opened)) => {
                    plain.extend_from_slice(&have[opened.plain]);
                    assert!(opened.taken > 0 && opened.taken <= have.len());
                    have.drain(..opened.taken);
                }
                Ok(None) => {
                    let needed = opener.needed(&have);
                    assert!(needed.is_ok_and(|n| n > have.len()));
                    break;
                }
                Err(error) => {
                    assert_eq!(opener.needed(&have), Err(error), "it stays broken");
                    return (plain, true);
                }
            }
        }
    }
    (plain, false)
}

/// The bytes of a direction that writes `plain` in pieces of `size`.
fn seal(key: &AeadKey, plain: &[u8], size: usize) -> Vec<u8> {
    let mut sealer = Sealer::with_nonce(key, [3; NONCE]);
    let mut wire = Vec::new();
    for piece in plain.chunks(size) {
        wire.extend_from_slice(sealer.take_nonce().unwrap_or_default());
        let start = wire.len();
        wire.extend_from_slice(&[0; 4]);
        wire.extend_from_slice(piece);
        wire.extend_from_slice(&[0; 16]);
        assert!(sealer.seal(&mut wire[start..]).is_ok());
    }
    wire
}

fuzz_target!(|bytes: &[u8]| {
    for algorithm in [Algorithm::Aes256Gcm, Algorithm::XChaCha20Poly1305] {
        let key = AeadKey::new(algorithm, [7; 32]);
        let whole = open(&key, bytes, bytes.len().max(1));
        assert_eq!(whole, open(&key, bytes, 5));
        let (Some((&at, rest)), Some(&size)) = (bytes.split_first(), bytes.last()) else {
            continue;
        };
        let mut wire = seal(&key, rest, usize::from(size) + 1);
        assert_eq!(open(&key, &wire, 64), (rest.to_vec(), false));
        if let Some(byte) = wire.get_mut(usize::from(at)) {
            *byte ^= 1;
            // A length that grew may wait for bytes that do not come.
            let (plain, fault) = open(&key, &wire, 64);
            assert!(fault || plain.len() < rest.len());
            assert!(rest.starts_with(&plain));
        }
    }
});
