use super::*;

const PLAIN: &[u8] = b"hello frp protocol spec";
const SEALED: &str =
    "8c06152c59414c01e4da81c5a7627bcc1de341e0ded2254d31e39f6f30d503ccff98c3f83c6fe1";
const SEALED_EMPTY: &str =
    "08d937368ab5513cdf051ab001466d57281acd6264ad1639354fc6cb0c8a86c74f709f08f3160d";

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex
        .as_bytes()
        .chunks(2)
        .map(|pair| str::from_utf8(pair).unwrap());
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

fn plain(length: usize) -> Vec<u8> {
    (0..length)
        .map(|i| u8::try_from(i * 7 % 251).unwrap())
        .collect()
}

#[test]
fn keys_are_upstreams() {
    let hex = |secret| crate::names::hex(&Key::derive(secret).0);
    assert_eq!(hex(""), "cdc9dc4c472c37331281df4c232a8407");
    assert_eq!(hex("token"), "c16a8f63832926cee123eea29f95d670");
}

#[test]
fn ciphertexts_are_upstreams() {
    for (secret, sealed) in [("token", SEALED), ("", SEALED_EMPTY)] {
        let (key, wire) = (Key::derive(secret), bytes(sealed));
        let mut encryptor = CfbEncryptor::with_iv(&key, wire[..IV].try_into().unwrap());
        let mut out = BytesMut::from(PLAIN);
        encryptor.seal_tail(&mut out, 0);
        assert_eq!(out, wire);
        let mut data = wire.clone();
        assert_eq!(CfbDecryptor::new(&key).open(&mut data), IV);
        assert_eq!(&data[IV..], PLAIN);
    }
}

#[test]
fn odd_pieces_make_one_stream() {
    let (key, plain) = (Key::derive("token"), plain(5000));
    let mut whole = plain.clone();
    CfbEncryptor::with_iv(&key, [9; IV]).seal(&mut whole);
    for piece in [1, 2, 3, 5, 15, 16, 17, 31, 33, 100, 129, 1000, 4999] {
        let mut sealed = plain.clone();
        let mut encryptor = CfbEncryptor::with_iv(&key, [9; IV]);
        sealed
            .chunks_mut(piece)
            .for_each(|chunk| encryptor.seal(chunk));
        assert_eq!(sealed, whole, "sealed in {piece}s");
        let mut decryptor = CfbDecryptor::with_iv(&key, [9; IV]);
        sealed
            .chunks_mut(piece + 1)
            .for_each(|chunk| assert_eq!(decryptor.open(chunk), 0));
        assert_eq!(sealed, plain, "opened in {piece}+1s");
    }
}

#[test]
fn the_mode_is_that_of_another_implementation() {
    use cfb_mode::cipher::KeyIvInit;
    let key = Key::derive("token");
    for length in [0, 1, 15, 16, 17, 1023, 1024, 1025, 5000] {
        let plain = plain(length);
        let (mut ours, mut theirs) = (plain.clone(), plain.clone());
        CfbEncryptor::with_iv(&key, [9; IV]).seal(&mut ours);
        cfb_mode::BufEncryptor::<aes::Aes128>::new(&key.0.into(), &[9; IV].into())
            .encrypt(&mut theirs);
        assert_eq!(ours, theirs, "{length}");
        CfbDecryptor::with_iv(&key, [9; IV]).open(&mut ours);
        assert_eq!(ours, plain, "{length}");
    }
}

#[test]
fn the_iv_may_come_in_pieces() {
    let (key, wire) = (Key::derive("token"), bytes(SEALED));
    for piece in 1..wire.len() {
        let mut decryptor = CfbDecryptor::new(&key);
        let mut opened = Vec::new();
        for chunk in wire.clone().chunks_mut(piece) {
            let skip = decryptor.open(chunk);
            opened.extend_from_slice(&chunk[skip..]);
        }
        assert_eq!(opened, PLAIN, "in pieces of {piece}");
        assert_eq!(decryptor.iv_missing(), 0);
    }
}

#[test]
fn the_iv_is_random_and_taken_once() {
    let key = Key::derive("");
    let mut one = CfbEncryptor::new(&key).unwrap();
    let two = CfbEncryptor::new(&key).unwrap();
    assert_ne!(one.iv(), two.iv());
    let iv = *one.iv();
    assert_eq!(one.take_iv(), Some(iv));
    assert_eq!(one.take_iv(), None);
    let mut nothing = BytesMut::new();
    CfbEncryptor::with_iv(&key, iv).seal_tail(&mut nothing, 0);
    assert!(
        nothing.is_empty(),
        "an IV goes out with the first ciphertext, not before"
    );
}

#[test]
fn a_tail_is_sealed_where_it_stands() {
    let key = Key::derive("token");
    let mut encryptor = CfbEncryptor::with_iv(&key, [1; IV]);
    let mut out = BytesMut::from(&b"plain"[..]);
    out.extend_from_slice(b"first");
    encryptor.seal_tail(&mut out, 5);
    let from = out.len();
    out.extend_from_slice(b"second");
    encryptor.seal_tail(&mut out, from);
    assert_eq!(&out[..5], b"plain");
    let mut sealed = out[5..].to_vec();
    let skip = CfbDecryptor::new(&key).open(&mut sealed);
    assert_eq!(&sealed[skip..], b"firstsecond");
}

#[test]
fn debug_hides_keys() {
    let key = Key::derive("token");
    assert_eq!(format!("{key:?}"), "Key(…)");
    let encryptor = CfbEncryptor::with_iv(&key, [1; IV]);
    assert_eq!(
        format!("{encryptor:?}"),
        "CfbEncryptor { iv_sent: false, .. }"
    );
    let decryptor = CfbDecryptor::new(&key);
    assert_eq!(
        format!("{decryptor:?}"),
        "CfbDecryptor { iv_missing: 16, .. }"
    );
}
