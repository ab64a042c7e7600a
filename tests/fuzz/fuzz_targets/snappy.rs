//! Compressed streams: any bytes decode to no more than a block at a time; what is compressed
//! comes back.
#![no_main]

use bytes::BytesMut;
use culvert_wire::{SnappyDecoder, SnappyEncoder, limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (mut decoder, mut input) = (SnappyDecoder::new(), BytesMut::from(bytes));
    let mut plain = BytesMut::new();
    while matches!(decoder.read(&mut input, &mut plain), Ok(true)) {
        assert!(plain.len() <= limits::SNAPPY_PLAIN);
        plain.clear();
    }

    let mut packed = BytesMut::new();
    SnappyEncoder::new()
        .write(bytes, &mut packed)
        .expect("memory is a fine sink");
    let (mut decoder, mut plain) = (SnappyDecoder::new(), BytesMut::new());
    while decoder
        .read(&mut packed, &mut plain)
        .expect("our own stream")
    {}
    assert_eq!(plain, bytes);
});
