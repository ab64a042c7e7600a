//! The datagrams that peers send each other until one arrives: an encrypted `NatHoleSid`.
//!
//! An IV, then the message in version 1 of the wire protocol, whatever the sessions speak, under
//! AES-128-CFB with the proxy's secret key (protocol 6.4).

use bytes::BytesMut;
use culvert_wire::{CfbDecryptor, CfbEncryptor, Codec, Key, Message, WireError, msg::NatHoleSid};

/// The longest nonce, which makes lengths vary (protocol 6.4).
const NONCE: usize = 19;
/// Longer datagrams are of others: an id of 26 characters, twice, with names around and the nonce.
const LONGEST: usize = 1024;

/// A question of the meeting `sid`; `random` decides its length.
#[must_use]
pub fn question(sid: &str, transaction_id: &str, random: u8) -> NatHoleSid {
    NatHoleSid {
        transaction_id: transaction_id.to_owned(),
        sid: sid.to_owned(),
        response: false,
        nonce: "0".repeat(usize::from(random) % (NONCE + 1)),
    }
}

/// The datagram that carries `sid`.
///
/// # Errors
/// The system gives no random bytes, or a text is too long for a message.
pub fn seal(sid: NatHoleSid, key: &Key) -> Result<BytesMut, WireError> {
    let mut out = BytesMut::new();
    Codec::V1.encode(&Message::NatHoleSid(sid), &mut out)?;
    CfbEncryptor::new(key)?.seal_tail(&mut out, 0);
    Ok(out)
}

/// What a datagram carries, if it is such a one and under this key. There is no checksum: whether
/// it means us is told by the `sid` inside.
#[must_use]
pub fn open(datagram: &[u8], key: &Key) -> Option<NatHoleSid> {
    if datagram.len() > LONGEST {
        return None;
    }
    let mut bytes = datagram.to_vec();
    let head = CfbDecryptor::new(key).open(&mut bytes);
    let mut plain = BytesMut::from(bytes.get(head..)?);
    match Codec::V1.decode(&mut plain) {
        Ok(Some(Message::NatHoleSid(sid))) => Some(sid),
        Ok(_) | Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_opened_with_the_same_key_only() {
        let key = Key::derive("sk");
        let sid = question("1700000000aabb", "t", 7);
        assert_eq!(sid.nonce, "0000000");
        let datagram = seal(sid.clone(), &key).unwrap();
        assert_eq!(open(&datagram, &key), Some(sid));
        assert_eq!(open(&datagram, &Key::derive("other")), None);
        assert_eq!(open(&datagram[..datagram.len() - 1], &key), None);
        assert_eq!(open(&[], &key), None);
        assert_eq!(open(&[0; 2000], &key), None);
    }

    #[test]
    fn lengths_vary() {
        let lengths: std::collections::BTreeSet<_> = (0..=255)
            .map(|random| question("s", "t", random).nonce.len())
            .collect();
        assert_eq!(lengths, (0..=NONCE).collect());
    }

    #[test]
    fn two_seals_differ() {
        let key = Key::derive("sk");
        let one = seal(question("s", "t", 0), &key).unwrap();
        assert_ne!(one, seal(question("s", "t", 0), &key).unwrap());
    }
}
