use super::*;
use crate::limits::SNAPPY_PLAIN;

fn pack(writes: &[&[u8]]) -> BytesMut {
    let mut encoder = SnappyEncoder::new();
    let mut out = BytesMut::new();
    writes
        .iter()
        .for_each(|plain| encoder.write(plain, &mut out).unwrap());
    out
}

fn unpack(wire: &[u8]) -> Result<Vec<u8>, WireError> {
    let mut input = BytesMut::from(wire);
    let mut out = BytesMut::new();
    let mut decoder = SnappyDecoder::new();
    while decoder.read(&mut input, &mut out)? {}
    assert!(input.is_empty(), "{} bytes left", input.len());
    Ok(out.to_vec())
}

fn refused(wire: &[u8]) -> CompressError {
    let (mut input, mut out) = (BytesMut::from(wire), BytesMut::new());
    let mut decoder = SnappyDecoder::new();
    loop {
        match decoder.read(&mut input, &mut out) {
            Ok(true) => {}
            Ok(false) => panic!("waits for more"),
            Err(WireError::Compressed(error)) => return error,
            Err(error) => panic!("{error}"),
        }
    }
}

fn with_identifier(rest: &[u8]) -> Vec<u8> {
    [&IDENTIFIER[..], rest].concat()
}

/// Bytes that no compressor makes shorter.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let step = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(step).collect()
}

#[test]
fn small_writes_are_upstreams_bytes() {
    let wire = b"\xff\x06\x00\x00sNaPpY\x01\x06\x00\x00\x13\xd6\x08\x56hi\x01\x06\x00\x00\x8e\xe9\x3c\x52yo";
    assert_eq!(pack(&[b"hi", b"", b"yo"]), wire[..]);
    assert_eq!(unpack(wire).unwrap(), b"hiyo");
}

#[test]
fn a_recorded_block_is_read() {
    // From frpc 0.70.1.
    let wire =
        b"\xff\x06\x00\x00sNaPpY\x00\x12\x00\x00\xda\xfd\x25\x59\x1b\x20hello frp\x46\x09\x00";
    assert_eq!(unpack(wire).unwrap(), b"hello frphello frphello frp");
}

#[test]
fn every_size_comes_back() {
    let noise = noise(200_000);
    let zeros = vec![0; 200_000];
    for length in [
        1, 7, 8, 9, 100, 16_384, 65_535, 65_536, 65_537, 131_072, 200_000,
    ] {
        for plain in [&noise[..length], &zeros[..length]] {
            let wire = pack(&[plain]);
            assert_eq!(unpack(&wire).unwrap(), plain, "{length}");
        }
    }
    assert_eq!(pack(&[&noise[..65_536]])[10], STORED);
    assert_eq!(pack(&[&zeros[..65_536]])[10], COMPRESSED);
}

#[test]
fn other_implementations_agree() {
    use std::io::{Read, Write};
    let plain = [noise(70_000), vec![7; 70_000]].concat();
    let mut read = Vec::new();
    snap::read::FrameDecoder::new(&pack(&[&plain])[..])
        .read_to_end(&mut read)
        .unwrap();
    assert_eq!(read, plain);
    let mut writer = snap::write::FrameEncoder::new(Vec::new());
    writer.write_all(&plain).unwrap();
    assert_eq!(unpack(&writer.into_inner().unwrap()).unwrap(), plain);
}

#[test]
fn one_call_gives_one_block_and_pieces_may_come_in_any_size() {
    let plain = [noise(70_000), vec![7; 70_000]].concat();
    let wire = pack(&[&plain]);
    for piece in [1, 3, 4, 5, 1_000, 70_000] {
        let (mut input, mut out) = (BytesMut::new(), BytesMut::new());
        let mut decoder = SnappyDecoder::new();
        for chunk in wire.chunks(piece) {
            input.extend_from_slice(chunk);
            let mut before = out.len();
            while decoder.read(&mut input, &mut out).unwrap() {
                assert!(out.len() - before <= SNAPPY_PLAIN);
                before = out.len();
            }
        }
        assert_eq!(out, plain, "in pieces of {piece}");
    }
}

#[test]
fn chunks_without_meaning_are_skipped_as_they_come() {
    let mut wire = with_identifier(b"\x80\x05\x00\x00abcde\xfe\x00\x00\x00");
    wire.extend_from_slice(IDENTIFIER);
    wire.extend_from_slice(&pack(&[b"hi"])[IDENTIFIER.len()..]);
    assert_eq!(unpack(&wire).unwrap(), b"hi");
    // Their bodies are dropped as they come, never held until they are whole.
    let (mut decoder, mut out) = (SnappyDecoder::new(), BytesMut::new());
    let mut input = BytesMut::from(&with_identifier(b"\x80\x05\x00\x00ab")[..]);
    assert!(!decoder.read(&mut input, &mut out).unwrap());
    assert!(input.is_empty() && out.is_empty());
    input.extend_from_slice(b"cde");
    input.extend_from_slice(&pack(&[b"hi"])[IDENTIFIER.len()..]);
    assert!(decoder.read(&mut input, &mut out).unwrap());
    assert_eq!(out, b"hi"[..]);
}

#[test]
fn broken_streams_are_refused_before_anything_is_held() {
    use CompressError::{Block, Checksum, ChunkType, Identifier, Length};
    let good = pack(&[b"hi"]);
    assert_eq!(refused(&good[10..]), Identifier);
    assert_eq!(refused(b"\x80\x01\x00\x00"), Identifier);
    assert_eq!(refused(b"\xff\x07\x00\x00"), Identifier);
    assert_eq!(refused(b"\xff\x06\x00\x00SnApPy"), Identifier);
    assert_eq!(
        refused(&with_identifier(b"\xff\x06\x00\x00sNaPpZ")),
        Identifier
    );
    for kind in [0x02, 0x40, 0x7f] {
        assert_eq!(refused(&with_identifier(&[kind, 0, 0, 0])), ChunkType(kind));
    }
    assert_eq!(refused(&with_identifier(b"\x00\x03\x00\x00")), Length(3));
    assert_eq!(refused(&with_identifier(b"\x01\x03\x00\x00")), Length(3));
    assert_eq!(
        refused(&with_identifier(b"\x01\x05\x00\x01")),
        Length(65_541)
    );
    assert_eq!(
        refused(&with_identifier(b"\x00\xff\xff\xff")),
        Length(0xff_ffff)
    );
    assert_eq!(
        refused(&with_identifier(b"\x80\xff\xff\xff")),
        Length(0xff_ffff)
    );
    // A block that says it holds 65 537 bytes, 4 GiB, and one whose bytes end too early.
    assert_eq!(
        refused(&with_identifier(b"\x00\x07\x00\x00\0\0\0\0\x81\x80\x04")),
        Block
    );
    assert_eq!(
        refused(&with_identifier(
            b"\x00\x09\x00\x00\0\0\0\0\xff\xff\xff\xff\x0f"
        )),
        Block
    );
    assert_eq!(
        refused(&with_identifier(b"\x00\x05\x00\x00\0\0\0\0\x05")),
        Block
    );
    let mut flipped = good.to_vec();
    *flipped.last_mut().unwrap() ^= 1;
    assert_eq!(refused(&flipped), Checksum);
}

#[test]
fn any_bytes_are_an_answer_and_no_panic() {
    let wire = pack(&[&[7; 500], b"hi", &noise(100)]);
    let random = noise(wire.len() * 8);
    for (at, value) in (0..wire.len()).cycle().zip(random) {
        let mut broken = wire.clone();
        broken[at] = value;
        let (mut decoder, mut out) = (SnappyDecoder::new(), BytesMut::new());
        while let Ok(true) = decoder.read(&mut broken, &mut out) {}
        assert!(out.len() <= 3 * SNAPPY_PLAIN);
    }
}
