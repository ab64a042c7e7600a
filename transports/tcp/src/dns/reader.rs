//! Takes a message of the name service apart (RFC 1035, section 4.1), without I/O.

/// RFC 1035, section 3.2.4.
pub(super) const CLASS_IN: u16 = 1;
/// The most bytes of a name (RFC 1035, section 2.3.4).
pub(super) const LONGEST: usize = 255;

/// What is left of a message, or of a part of it.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    /// From where shortened names count.
    message: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Begins at the front of `message`.
    pub(super) const fn new(message: &'a [u8]) -> Self {
        Self {
            message,
            rest: message,
        }
    }

    /// What is left.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `n` bytes.
    pub(super) fn skip(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(n)?;
        self.rest = rest;
        Some(taken)
    }

    pub(super) fn number(&mut self) -> Option<u16> {
        let (number, rest) = self.rest.split_first_chunk::<2>()?;
        self.rest = rest;
        Some(u16::from_be_bytes(*number))
    }

    /// Reads over a name; a pointer ends it, and where that leads does not matter.
    fn name(&mut self) -> Option<()> {
        while let Part::Label(_) = self.part()? {}
        Some(())
    }

    /// A name of letters, digits, `-` and `_` in lower case, which must end where this does; empty
    /// for the root.
    pub(super) fn host(&self) -> Option<String> {
        let mut host = String::new();
        let mut at = self.clone();
        // How far a pointer may lead: each one before the last, so that there is an end.
        let mut before = self.message.len() - self.rest.len();
        let mut is_whole = true;
        loop {
            match at.part()? {
                Part::End => break,
                Part::Label(label) => {
                    let is_fine = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
                    if !label.iter().all(is_fine) || host.len() + label.len() >= LONGEST {
                        return None;
                    }
                    if !host.is_empty() {
                        host.push('.');
                    }
                    host.extend(label.iter().map(|b| char::from(b.to_ascii_lowercase())));
                }
                Part::Pointer(to) => {
                    let end_is_ours = !is_whole || at.rest.is_empty();
                    if to >= before || !end_is_ours {
                        return None;
                    }
                    (before, is_whole) = (to, false);
                    at.rest = self.message.get(to..)?;
                }
            }
        }
        (!is_whole || at.rest.is_empty()).then_some(host)
    }

    fn part(&mut self) -> Option<Part<'a>> {
        let len = *self.skip(1)?.first()?;
        Some(match len {
            0 => Part::End,
            1..64 => Part::Label(self.skip(usize::from(len))?),
            0xc0.. => {
                let low = *self.skip(1)?.first()?;
                Part::Pointer(usize::from(u16::from_be_bytes([len & 0x3f, low])))
            }
            _ => return None,
        })
    }

    /// The type and the data of the next record; the type is 0 where it is not of the Internet.
    pub(super) fn record(&mut self) -> Option<(u16, Self)> {
        self.name()?;
        let kind = self.number()?;
        let class = self.number()?;
        let _time_to_live = self.skip(4)?;
        let len = self.number()?;
        // A record ends where its length says, and names in it may begin before it.
        let end = self.message.len() - self.rest.len() + usize::from(len);
        self.skip(usize::from(len))?;
        let message = self.message.get(..end)?;
        let rest = message.get(end - usize::from(len)..)?;
        let kind = if class == CLASS_IN { kind } else { 0 };
        Some((kind, Self { message, rest }))
    }
}

/// A piece of a name.
enum Part<'a> {
    End,
    Label(&'a [u8]),
    /// The name goes on there.
    Pointer(usize),
}
