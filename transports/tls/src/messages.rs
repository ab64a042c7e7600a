//! Messages that come after the handshake of TLS 1.3, put together from records.

use rustls::{Error, HandshakeType, InvalidMessage, PeerMisbehaved};

/// The longest message that we put together: what rustls allows in a handshake.
const LONGEST: usize = 0xffff;
/// Type and length in front of a message (RFC 8446, 4).
const HEADER: usize = 4;

/// key_update(update_not_requested) as a whole message (RFC 8446, 4.6.3).
pub(crate) const KEY_UPDATE: [u8; 5] = [24, 0, 0, 1, 0];

/// A message that may come after the handshake.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Message<'m> {
    /// The body of a ticket.
    Ticket(&'m [u8]),
    /// What follows is sealed with the next key; `asked` is whether ours is to be, too.
    KeyUpdate { asked: bool },
}

/// The beginning of a message, while its rest has not come.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    bytes: Vec<u8>,
}

impl Messages {
    /// Whether no message has only begun.
    pub(crate) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes what one record holds; the messages that are whole go to `each`.
    ///
    /// # Errors
    /// A message is too long, not one of these, or not where it may be; or that of `each`.
    pub(crate) fn take(
        &mut self,
        part: &[u8],
        mut each: impl FnMut(Message<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if part.is_empty() {
            return Err(InvalidMessage::InvalidEmptyPayload.into());
        }
        self.bytes.extend_from_slice(part);
        let bytes = std::mem::take(&mut self.bytes);
        let mut rest = bytes.as_slice();
        while let Some((&[kind, a, b, c], behind)) = rest.split_first_chunk::<HEADER>() {
            let len = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap_or(usize::MAX);
            if len > LONGEST {
                return Err(InvalidMessage::HandshakePayloadTooLarge.into());
            }
            let Some((body, behind)) = behind.split_at_checked(len) else {
                break;
            };
            each(message(kind, body, behind)?)?;
            rest = behind;
        }
        self.bytes = rest.to_vec();
        Ok(())
    }
}

fn message<'m>(kind: u8, body: &'m [u8], behind: &[u8]) -> Result<Message<'m>, Error> {
    match (HandshakeType::from(kind), body) {
        (HandshakeType::NewSessionTicket, body) => Ok(Message::Ticket(body)),
        // The new key begins with a record.
        (HandshakeType::KeyUpdate, _) if !behind.is_empty() => {
            Err(PeerMisbehaved::KeyEpochWithPendingFragment.into())
        }
        (HandshakeType::KeyUpdate, [0]) => Ok(Message::KeyUpdate { asked: false }),
        (HandshakeType::KeyUpdate, [1]) => Ok(Message::KeyUpdate { asked: true }),
        (HandshakeType::KeyUpdate, _) => Err(InvalidMessage::InvalidKeyUpdate.into()),
        _ => Err(InvalidMessage::UnexpectedMessage("message of a handshake that is over").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of records with these parts.
    fn taken(parts: &[&[u8]]) -> (Vec<String>, Result<(), Error>) {
        let (mut messages, mut got) = (Messages::default(), Vec::new());
        let mut result = Ok(());
        for part in parts {
            result = messages.take(part, |message| {
                got.push(format!("{message:?}"));
                Ok(())
            });
        }
        (got, result)
    }

    #[test]
    fn messages_come_together_wherever_they_are_cut() {
        let all = [&[4, 0, 0, 2, 7, 8, 4, 0, 0, 0], &KEY_UPDATE[..]].concat();
        let whole = taken(&[&all]);
        assert_eq!(
            whole.0,
            ["Ticket([7, 8])", "Ticket([])", "KeyUpdate { asked: false }"]
        );
        for cut in 1..all.len() {
            assert_eq!(taken(&[&all[..cut], &all[cut..]]), whole);
        }
        let bytes: Vec<_> = all.chunks(1).collect();
        assert_eq!(taken(&bytes), whole);
    }

    #[test]
    fn what_may_not_come_is_refused() {
        for wrong in [
            &[][..],
            &[24, 0, 0, 1, 2],
            &[24, 0, 0, 2, 0, 0],
            &[24, 0, 0, 1, 0, 4],
            &[4, 1, 0, 0],
            &[1, 0, 0, 0],
            &[0, 0, 0, 0],
        ] {
            let (got, result) = taken(&[wrong]);
            assert!(got.is_empty() && result.is_err(), "{wrong:?}");
        }
    }
}
