use super::*;

/// A frame with any first byte, masked by `key` if given.
pub(crate) fn frame(first: u8, payload: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    let header = Header {
        kind: Kind::Data,
        len: u64::try_from(payload.len()).unwrap(),
        key,
    };
    let mut bytes = header.encode().as_ref().to_vec();
    bytes[0] = first;
    let at = bytes.len();
    bytes.extend_from_slice(payload);
    if let Some(key) = key {
        Mask::new(key).apply(&mut bytes[at..]);
    }
    bytes
}

const KEY: Option<[u8; 4]> = Some([9, 200, 3, 77]);

/// All that comes out when the bytes come in pieces of this size.
fn all(role: Role, bytes: &[u8], piece: usize) -> (Vec<u8>, Decoder) {
    let mut decoder = Decoder::new(role);
    let mut out = Vec::new();
    for piece in bytes.chunks(piece) {
        let mut piece = piece.to_vec();
        let n = decoder.decode(&mut piece);
        out.extend_from_slice(&piece[..n]);
    }
    (out, decoder)
}

#[test]
fn data_comes_out_whatever_the_pieces_and_the_opcodes() {
    for (role, key) in [(Role::Server, KEY), (Role::Client, None)] {
        let long: Vec<u8> = (0..70_000_u32).map(|n| n.to_le_bytes()[1]).collect();
        let bytes = [
            frame(0x82, b"binary", key),
            frame(0x01, b"text \xff\xfe", key),
            frame(0x89, b"ping", key),
            frame(0x00, b", more", key),
            frame(0x80, b"", key),
            frame(0x8a, b"pong", key),
            frame(0xf2, &long, key),
            frame(0x82, b"end", key),
        ]
        .concat();
        let expected = [b"binarytext \xff\xfe, more", &*long, b"end"].concat();
        for piece in [1, 2, 3, 5, 7, 14, 100, 65_536, bytes.len()] {
            let (out, mut decoder) = all(role, &bytes, piece);
            assert!(out == expected, "{role:?} {piece}");
            assert_eq!(decoder.take_ping(), Some(b"ping".to_vec()));
            assert!(decoder.is_between_frames());
            assert_eq!(decoder.violation(), None);
        }
    }
}

#[test]
fn a_flood_of_pings_leaves_one() {
    let flood: Vec<u8> = (0..=255)
        .flat_map(|n| frame(0x89, &[n; 125], KEY))
        .collect();
    let (out, mut decoder) = all(Role::Server, &flood, 1000);
    assert!(out.is_empty());
    assert_eq!(decoder.take_ping(), Some(vec![255; 125]));
    assert_eq!(decoder.take_ping(), None);
}

#[test]
fn an_announced_length_costs_nothing() {
    let header = Header {
        kind: Kind::Data,
        len: u64::MAX >> 1,
        key: KEY,
    };
    let bytes = [header.encode().as_ref(), &[0; 10]].concat();
    let (out, decoder) = all(Role::Server, &bytes, 3);
    assert_eq!(out.len(), 10);
    assert!(!decoder.is_between_frames());
}

#[test]
fn nothing_comes_after_a_close() {
    let bytes = [
        frame(0x82, b"last", KEY),
        frame(0x88, b"\x03\xe8", KEY),
        frame(0x82, b"ignored", KEY),
    ]
    .concat();
    for piece in [1, 4, 1000] {
        let (out, decoder) = all(Role::Server, &bytes, piece);
        assert_eq!(out, b"last");
        assert!(decoder.is_closed());
    }
}

#[test]
fn data_before_a_violation_still_comes_out() {
    let bytes = [frame(0x82, b"good", KEY), frame(0x82, b"bad", None)].concat();
    let (out, decoder) = all(Role::Server, &bytes, 1000);
    assert_eq!(out, b"good");
    assert_eq!(decoder.violation(), Some(Violation::Unmasked));
    let (_, decoder) = all(Role::Client, &frame(0x82, b"bad", KEY), 1);
    assert_eq!(decoder.violation(), Some(Violation::Masked));
}

#[test]
fn a_header_cut_short_is_not_between_frames() {
    let (_, decoder) = all(Role::Client, &[0x82], 1);
    assert!(!decoder.is_between_frames());
}
