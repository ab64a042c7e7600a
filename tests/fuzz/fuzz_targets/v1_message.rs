//! v1 framing and messages: any bytes, whole or in pieces, give the same messages and the same
//! fault; what was read can be written and read again.
#![no_main]

use bytes::BytesMut;
use culvert_wire::{Message, v1};
use libfuzzer_sys::fuzz_target;

/// Decodes everything in `bytes`, handing them over `step` at a time.
fn decode(bytes: &[u8], step: usize) -> (Vec<Message>, bool) {
    let (mut buffer, mut messages) = (BytesMut::new(), Vec::new());
    for piece in bytes.chunks(step) {
        buffer.extend_from_slice(piece);
        loop {
            let needed = v1::needed(&buffer);
            let before = buffer.len();
            match v1::decode(&mut buffer) {
                Ok(Some(message)) => {
                    // A reader that reads no further than `needed` never takes what follows.
                    assert_eq!(needed.ok(), Some(before - buffer.len()));
                    messages.push(message);
                }
                Ok(None) => {
                    assert!(needed.is_ok_and(|n| n > before), "no progress is asked for");
                    assert_eq!(before, buffer.len(), "half a message was taken");
                    break;
                }
                Err(_) => return (messages, true),
            }
        }
    }
    (messages, false)
}

fuzz_target!(|bytes: &[u8]| {
    let (messages, fault) = decode(bytes, bytes.len().max(1));
    for step in [1, 7] {
        let (again, same_fault) = decode(bytes, step);
        assert_eq!((again.len(), same_fault), (messages.len(), fault));
    }
    for message in messages {
        let mut out = BytesMut::new();
        // A body of the largest size may grow when written, by Go's escapes; then it is refused.
        if v1::encode(&message, &mut out).is_ok() {
            let again = v1::decode(&mut out);
            assert!(matches!(again, Ok(Some(m)) if m == message), "{message:?}");
        }
    }
});
