//! Messages that come after the handshake of TLS 1.3, put together from records.

use rustls::{Error, HandshakeType, InvalidMessage, PeerMisbehaved};

/// The longest ticket that we put together: what rustls allows in a handshake.
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
pub(crate) struct Messages {
    bytes: Vec<u8>,
    tickets: bool,
}

impl Messages {
    /// `tickets` says whether the peer may send any.
    pub(crate) const fn new(tickets: bool) -> Self {
        Self {
            bytes: Vec::new(),
            tickets,
        }
    }

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
        self.bytes.extend_from_slice(part);
        let mut rest = self.bytes.as_slice();
        while let Some((header, behind)) = rest.split_first_chunk() {
            let Some((body, behind)) = behind.split_at_checked(self.length(*header)?) else {
                break;
            };
            each(message(*header, body, behind)?)?;
            rest = behind;
        }
        // What is left came with this record, or nothing was taken: no byte moves twice.
        let taken = self.bytes.len() - rest.len();
        self.bytes.drain(..taken);
        if self.bytes.is_empty() {
            self.bytes = Vec::new();
        }
        Ok(())
    }

    /// How long the body of a message with this header is. What may not come is refused before any
    /// of it is kept.
    fn length(&self, [kind, a, b, c]: [u8; HEADER]) -> Result<usize, Error> {
        let len = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap_or(usize::MAX);
        match HandshakeType::from(kind) {
            HandshakeType::NewSessionTicket if self.tickets && len > LONGEST => {
                Err(InvalidMessage::HandshakePayloadTooLarge.into())
            }
            HandshakeType::NewSessionTicket if self.tickets => Ok(len),
            HandshakeType::KeyUpdate if len == 1 => Ok(len),
            HandshakeType::KeyUpdate => Err(InvalidMessage::TrailingData("key_update").into()),
            _ => Err(InvalidMessage::UnexpectedMessage("message after the handshake").into()),
        }
    }
}

/// A message with a header that [`Messages::length`] has passed.
fn message<'m>(
    [kind, ..]: [u8; HEADER],
    body: &'m [u8],
    behind: &[u8],
) -> Result<Message<'m>, Error> {
    match (HandshakeType::from(kind), body) {
        (HandshakeType::NewSessionTicket, body) => Ok(Message::Ticket(body)),
        // The new key begins with a record.
        _ if !behind.is_empty() => Err(PeerMisbehaved::KeyEpochWithPendingFragment.into()),
        (_, [0]) => Ok(Message::KeyUpdate { asked: false }),
        (_, [1]) => Ok(Message::KeyUpdate { asked: true }),
        _ => Err(InvalidMessage::InvalidKeyUpdate.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of records with these parts, up to the first error.
    fn taken(messages: &mut Messages, parts: &[&[u8]]) -> (Vec<String>, Result<(), Error>) {
        let mut got = Vec::new();
        let mut each = |message: Message<'_>| {
            got.push(format!("{message:?}"));
            Ok(())
        };
        let result = parts
            .iter()
            .try_for_each(|part| messages.take(part, &mut each));
        (got, result)
    }

    #[test]
    fn messages_come_together_wherever_they_are_cut() {
        let all = [&[4, 0, 0, 2, 7, 8, 4, 0, 0, 0], &KEY_UPDATE[..]].concat();
        let taken = |parts: &[&[u8]]| {
            let mut messages = Messages::new(true);
            let taken = taken(&mut messages, parts);
            assert!(messages.is_empty() && messages.bytes.capacity() == 0);
            taken
        };
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
    fn what_may_not_come_is_refused_by_its_header() {
        for (tickets, wrong) in [
            (true, [24, 0, 0, 2]),
            (true, [24, 0, 0, 0]),
            (true, [4, 1, 0, 0]),
            (false, [4, 0, 0, 9]),
            // hello_request, client_hello, certificate_request, finished, message_hash, unknown
            (true, [0, 0, 0, 0]),
            (true, [1, 0, 0, 9]),
            (true, [13, 0, 0, 9]),
            (true, [20, 0, 0, 32]),
            (true, [254, 0, 0, 32]),
            (false, [99, 0xff, 0xff, 0xff]),
        ] {
            let bytes: Vec<_> = wrong.chunks(1).collect();
            for parts in [&[&wrong[..]][..], &bytes] {
                let (got, result) = taken(&mut Messages::new(tickets), parts);
                assert!(got.is_empty() && result.is_err(), "{wrong:?}");
            }
        }
    }

    #[test]
    fn a_key_update_is_one_of_two_and_ends_its_record() {
        for wrong in [&[24, 0, 0, 1, 2][..], &[24, 0, 0, 1, 0, 4]] {
            let (got, result) = taken(&mut Messages::new(true), &[wrong]);
            assert!(got.is_empty() && result.is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_message_in_many_pieces_is_not_copied_again_for_each() {
        let mut messages = Messages::new(true);
        let mut moved = 0;
        assert!(messages.take(&[4, 0, 0xff, 0xff], |_| Ok(())).is_ok());
        for _ in 0..0xfffe {
            let before = messages.bytes.as_ptr();
            assert!(messages.take(&[7], |_| Ok(())).is_ok());
            moved += usize::from(before != messages.bytes.as_ptr());
        }
        // It grows by doubling.
        assert!(moved < 32, "{moved}");
    }
}
