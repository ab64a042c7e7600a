use super::*;
use crate::error::Fault;

const BOTH: [Algorithm; 2] = [Algorithm::Aes256Gcm, Algorithm::XChaCha20Poly1305];

fn key(algorithm: Algorithm) -> AeadKey {
    AeadKey::new(algorithm, [7; 32])
}

fn hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// A record with room for its ends.
fn record(plain: &[u8]) -> Vec<u8> {
    [&[0; RECORD_HEADER], plain, &[0; RECORD_TAG]].concat()
}

/// What `sealer` puts on the wire for these writes.
fn sealed(sealer: &mut Sealer, writes: &[&[u8]]) -> Vec<u8> {
    let mut wire = Vec::new();
    for plain in writes {
        wire.extend_from_slice(sealer.take_nonce().unwrap_or_default());
        let mut record = record(plain);
        sealer.seal(&mut record).unwrap();
        wire.extend_from_slice(&record);
    }
    wire
}

/// Opens `wire`, which comes `step` bytes at a time; answers the plain bytes and the error that
/// ended it, if one did.
fn opened(opener: &mut Opener, wire: &[u8], step: usize) -> (Vec<u8>, Option<WireError>) {
    let (mut have, mut plain) = (Vec::new(), Vec::new());
    for piece in wire.chunks(step) {
        have.extend_from_slice(piece);
        loop {
            match opener.open(&mut have) {
                Ok(Some(opened)) => {
                    plain.extend_from_slice(&have[opened.plain]);
                    have.drain(..opened.taken);
                }
                Ok(None) => {
                    assert!(opener.needed(&have).unwrap() > have.len());
                    break;
                }
                Err(error) => {
                    assert_eq!(opener.needed(&have), Err(error.clone()), "it stays broken");
                    assert_eq!(error.fault(), Fault::Bytes);
                    return (plain, Some(error));
                }
            }
        }
    }
    (plain, None)
}

#[test]
fn streams_are_upstreams() {
    let vectors = [
        (
            Algorithm::Aes256Gcm,
            "ca921c810165f40dc94ad6e8",
            "00000014bde04346366b5fbb9f74604cefe3f85f2fd4cace\
             00000015a24644c331a50f80cf9dac89a4f3cc78fac4797a15",
        ),
        (
            Algorithm::XChaCha20Poly1305,
            "8afcb5c025c3ad897d43ba6e203f7cfd88b2b5e5c7259dc2",
            "000000149feca5255043b26d07c2d83df4a04344bbff844f\
             000000157c7b5d925b2af1c356379a6c43908eeb0520d55b27",
        ),
    ];
    for (algorithm, nonce, records) in vectors {
        let wire = [hex(nonce), hex(&records.replace(' ', ""))].concat();
        for step in [1, 7, wire.len()] {
            let got = opened(&mut Opener::new(&key(algorithm)), &wire, step);
            assert_eq!(got, (b"pingpong!".to_vec(), None), "{algorithm} {step}");
        }
        let mut first = [0; NONCE];
        first[..algorithm.nonce()].copy_from_slice(&hex(nonce));
        let mut sealer = Sealer::with_nonce(&key(algorithm), first);
        assert_eq!(sealed(&mut sealer, &[b"ping", b"pong!"]), wire);
    }
}

#[test]
fn a_record_holds_up_to_its_limit_both_ways() {
    for algorithm in BOTH {
        let mut sealer = Sealer::new(&key(algorithm)).unwrap();
        let full = vec![9; RECORD_PLAIN];
        let wire = sealed(&mut sealer, &[&full, b"x"]);
        let (plain, error) = opened(&mut Opener::new(&key(algorithm)), &wire, 4096);
        assert_eq!((plain.len(), error), (RECORD_PLAIN + 1, None));
        for wrong in [0, RECORD_PLAIN + 1] {
            let error = sealer.seal(&mut record(&vec![0; wrong])).unwrap_err();
            assert_eq!(error.fault(), Fault::Us);
        }
        assert!(sealer.seal(&mut [0; 19]).is_err());
        assert!(sealer.seal(&mut []).is_err());
        // Refusing our own mistake does not end the direction.
        sealer.seal(&mut record(b"y")).unwrap();
    }
}

#[test]
fn a_record_without_plain_bytes_is_read() {
    for algorithm in BOTH {
        let key = key(algorithm);
        let mut sealer = Sealer::new(&key).unwrap();
        let mut wire = sealer.take_nonce().unwrap().to_vec();
        // Our own sealer never writes one, real peers' readers take it.
        let header = u32::try_from(RECORD_TAG).unwrap().to_be_bytes();
        let mut tag = [0; RECORD_TAG];
        let (nonce, aad) = sealer.sequence.record(header);
        sealer.cipher.seal(nonce, aad, &mut [], &mut tag).unwrap();
        sealer.sequence.step().unwrap();
        wire.extend_from_slice(&header);
        wire.extend_from_slice(&tag);
        wire.extend_from_slice(&sealed(&mut sealer, &[b"behind"]));
        let got = opened(&mut Opener::new(&key), &wire, 5);
        assert_eq!(got, (b"behind".to_vec(), None));
    }
}

#[test]
fn lengths_out_of_range_are_refused_before_their_bytes_come() {
    let most = u32::try_from(RECORD_PLAIN + RECORD_TAG).unwrap();
    for algorithm in BOTH {
        for length in [0, 1, 15, most + 1, 1 << 31, u32::MAX] {
            let mut opener = Opener::new(&key(algorithm));
            let wire = [&[0; NONCE][..algorithm.nonce()], &length.to_be_bytes()].concat();
            let (plain, error) = opened(&mut opener, &wire, 1);
            assert_eq!(error, Some(RecordError::Length(length).into()), "{length}");
            assert!(plain.is_empty());
        }
    }
}

#[test]
fn whatever_is_changed_on_the_way_is_noticed() {
    for algorithm in BOTH {
        let mut sealer = Sealer::new(&key(algorithm)).unwrap();
        let wire = sealed(&mut sealer, &[b"one", b"two"]);
        for at in 0..wire.len() {
            let mut tampered = wire.clone();
            tampered[at] ^= 1;
            let (plain, error) = opened(&mut Opener::new(&key(algorithm)), &tampered, wire.len());
            let nonce = algorithm.nonce();
            let second = nonce + Sealer::OVERHEAD + 3;
            // A length that grew waits for bytes that never come.
            let waits = at == nonce + 2 || at == second + 2;
            assert!(error.is_some() || waits, "{algorithm} {at}");
            assert!(
                plain.is_empty() || (at >= second && plain == b"one"),
                "{at}"
            );
        }
    }
}

#[test]
fn records_in_another_order_or_with_another_key_are_noticed() {
    for algorithm in BOTH {
        let mut sealer = Sealer::new(&key(algorithm)).unwrap();
        let nonce = sealer.take_nonce().unwrap().to_vec();
        let one = sealed(&mut sealer, &[b"one"]);
        let two = sealed(&mut sealer, &[b"two"]);
        let tag = Some(RecordError::Tag.into());
        for wire in [
            [&nonce[..], &two, &one].concat(),
            [&nonce[..], &one, &one].concat(),
        ] {
            let (_, error) = opened(&mut Opener::new(&key(algorithm)), &wire, 9);
            assert_eq!(error, tag);
        }
        let wire = [&nonce[..], &one].concat();
        let other = AeadKey::new(algorithm, [8; 32]);
        assert_eq!(opened(&mut Opener::new(&other), &wire, 9).1, tag);
        // The same records behind another nonce that leads to the same place.
        let mut moved = nonce.clone();
        *moved.last_mut().unwrap() = moved.last().unwrap().wrapping_add(1);
        let wire = [&moved[..], &two].concat();
        assert_eq!(opened(&mut Opener::new(&key(algorithm)), &wire, 9).1, tag);
    }
}

#[test]
fn the_nonce_counts_over_its_whole_length_and_never_wraps() {
    for algorithm in BOTH {
        let len = algorithm.nonce();
        let mut carry = [0xff; NONCE];
        carry[0] = 0;
        let wire = sealed(
            &mut Sealer::with_nonce(&key(algorithm), carry),
            &[b"one", b"two"],
        );
        let got = opened(&mut Opener::new(&key(algorithm)), &wire, 3);
        assert_eq!(got, (b"onetwo".to_vec(), None));
        let mut sequence = Sequence::new(algorithm, carry);
        sequence.step().unwrap();
        assert_eq!(sequence.next[..2], [1, 0]);
        assert_eq!(sequence.next[len - 1], 0);

        let mut last = [0xff; NONCE];
        last[len - 1] = 0xfe;
        let mut sealer = Sealer::with_nonce(&key(algorithm), last);
        sealer.seal(&mut record(b"one")).unwrap();
        let spent: WireError = RecordError::Spent.into();
        assert_eq!(sealer.seal(&mut record(b"two")), Err(spent.clone()));
        assert_eq!(sealer.seal(&mut record(b"two")), Err(spent.clone()));

        // A peer that goes on regardless.
        let mut sequence = Sequence::new(algorithm, [0xff; NONCE]);
        let cipher = Cipher::new(&key(algorithm));
        let mut bytes = record(b"x");
        let header = 17_u32.to_be_bytes();
        bytes[..4].copy_from_slice(&header);
        let (nonce, aad) = sequence.record(header);
        let (data, tag) = bytes[4..].split_at_mut(1);
        cipher.seal(nonce, aad, data, tag).unwrap();
        let wire = [&[0xff; NONCE][..len], &bytes].concat();
        let got = opened(&mut Opener::new(&key(algorithm)), &wire, 3);
        assert_eq!(got, (Vec::new(), Some(spent)));
    }
}

#[test]
fn gcm_has_so_many_records_and_no_more() {
    let mut sealer = Sealer::new(&key(Algorithm::Aes256Gcm)).unwrap();
    let mut opener = Opener::new(&key(Algorithm::Aes256Gcm));
    let mut nonce = sealer.take_nonce().unwrap().to_vec();
    opener.open(&mut nonce).unwrap().unwrap();
    assert_eq!(sealer.sequence.left, Some(1 << 32));
    sealer.sequence.left = Some(1);
    opener.sequence.as_mut().unwrap().left = Some(1);
    let mut one = record(b"one");
    sealer.seal(&mut one).unwrap();
    opener.open(&mut one).unwrap().unwrap();
    let spent: WireError = RecordError::Spent.into();
    assert_eq!(sealer.seal(&mut record(b"two")), Err(spent.clone()));
    assert_eq!(opener.needed(&[]), Ok(RECORD_HEADER), "an end may come");
    assert_eq!(opener.open(&mut record(b"two")), Err(spent));
    assert_eq!(
        Sealer::new(&key(Algorithm::XChaCha20Poly1305))
            .unwrap()
            .sequence
            .left,
        None
    );
}

#[test]
fn nonces_are_random_and_debug_shows_no_key() {
    let key = key(Algorithm::Aes256Gcm);
    let (mut one, mut two) = (Sealer::new(&key).unwrap(), Sealer::new(&key).unwrap());
    assert_ne!(
        one.take_nonce().map(<[u8]>::to_vec),
        two.take_nonce().map(<[u8]>::to_vec)
    );
    assert_eq!(one.take_nonce(), None);
    assert_eq!(
        format!("{one:?}"),
        "Sealer { nonce_sent: true, broken: None, .. }"
    );
    assert_eq!(
        format!("{:?}", Opener::new(&key)),
        "Opener { algorithm: Aes256Gcm, nonce_seen: false, broken: None, .. }"
    );
}
