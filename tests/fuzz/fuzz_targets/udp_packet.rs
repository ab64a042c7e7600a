//! Datagrams inside messages: any body of a `UdpPacket`, in both versions; what was read can be
//! written and read again, with the same datagram for the same user.
#![no_main]

use bytes::BytesMut;
use culvert_wire::{Codec, Message, msg::UdpPacket, v1};
use libfuzzer_sys::fuzz_target;

/// Reads a body as a v1 message (protocol 3.1: type, length, JSON).
fn read(body: &[u8]) -> Option<UdpPacket> {
    let mut bytes = BytesMut::from(&b"u"[..]);
    bytes.extend_from_slice(&i64::try_from(body.len()).ok()?.to_be_bytes());
    bytes.extend_from_slice(body);
    match v1::decode(&mut bytes) {
        Ok(Some(Message::UdpPacket(packet))) => {
            assert!(bytes.is_empty());
            Some(packet)
        }
        _ => None,
    }
}

fn again(packet: &UdpPacket, codec: Codec) {
    let message = Message::from(packet.clone());
    let mut bytes = BytesMut::new();
    // A long datagram makes a longer message; beyond the limit it is not sent.
    if codec.encode(&message, &mut bytes).is_ok() {
        let read = codec.decode(&mut bytes);
        assert!(
            matches!(&read, Ok(Some(same)) if *same == message),
            "{read:?}"
        );
        assert!(bytes.is_empty());
    }
}

fuzz_target!(|body: &[u8]| {
    let Some(packet) = read(body) else {
        return;
    };
    for codec in [Codec::V1, Codec::V2] {
        again(&packet, codec);
    }
    // Whoever can be answered is found again in the answer.
    if let Ok(user) = packet.user() {
        let answer = packet.reply(packet.c.clone());
        assert_eq!(answer.user().unwrap(), user);
        let fresh = UdpPacket::new(packet.c.clone(), user);
        assert_eq!(fresh.user().unwrap(), user);
        for codec in [Codec::V1, Codec::V2] {
            again(&fresh, codec);
        }
    }
});
