//! Questions and answers of the name service (RFC 1035, section 4), without I/O.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of address is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    A,
    Aaaa,
}

/// RFC 1035, section 3.2, and RFC 3596.
const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const CLASS_IN: u16 = 1;
/// RFC 1035, section 4.1.1: the flags and the response code.
const RESPONSE: u16 = 0x8000;
const TRUNCATED: u16 = 0x0200;
const RECURSION_DESIRED: u16 = 0x0100;
const CODE: u16 = 0x000f;
const NO_SUCH_NAME: u16 = 3;
/// Bytes of a message's header.
const HEADER: usize = 12;
/// The most bytes of a name in a message (RFC 1035, section 2.3.4).
const LONGEST: usize = 255;

/// One question, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    bytes: Vec<u8>,
    kind: Kind,
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Addresses(Vec<IpAddr>),
    /// Too long for UDP.
    Truncated,
    Refused(&'static str),
}

impl Kind {
    const fn number(self) -> u16 {
        match self {
            Self::A => TYPE_A,
            Self::Aaaa => TYPE_AAAA,
        }
    }
}

impl Query {
    /// A question for the addresses of `name`; `None` if it cannot be one.
    pub(super) fn new(id: u16, name: &str, kind: Kind) -> Option<Self> {
        let mut bytes = Vec::new();
        for number in [id, RECURSION_DESIRED, 1, 0, 0, 0] {
            bytes.extend(number.to_be_bytes());
        }
        for label in name.split('.') {
            let len = u8::try_from(label.len())
                .ok()
                .filter(|n| (1..64).contains(n))?;
            bytes.push(len);
            bytes.extend(label.as_bytes());
        }
        bytes.push(0);
        if bytes.len() > HEADER + LONGEST {
            return None;
        }
        bytes.extend(kind.number().to_be_bytes());
        bytes.extend(CLASS_IN.to_be_bytes());
        Some(Self { bytes, kind })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What a message says to this question; `None` if it is no answer to it.
    pub(super) fn answer(&self, message: &[u8]) -> Option<Answer> {
        let mut reader = Reader { rest: message };
        let id = reader.number()?;
        let flags = reader.number()?;
        let [questions, answers, _, _] = [(); 4].map(|()| reader.number());
        let (questions, answers) = (questions?, answers?);
        if id.to_be_bytes() != *self.bytes.first_chunk::<2>()? || flags & RESPONSE == 0 {
            return None;
        }
        // The question comes back; case may change (some servers lower it).
        let asked = self.bytes.get(HEADER..)?;
        let question = reader.rest.get(..asked.len())?;
        if questions != 1 || !question.eq_ignore_ascii_case(asked) {
            return None;
        }
        reader.skip(asked.len())?;
        match flags & CODE {
            0 => {}
            NO_SUCH_NAME => return Some(Answer::Addresses(Vec::new())),
            1 => return Some(Answer::Refused("the name server cannot read the question")),
            2 => return Some(Answer::Refused("the name server failed")),
            5 => return Some(Answer::Refused("the name server refuses to answer")),
            _ => return Some(Answer::Refused("the name server answers with an error")),
        }
        if flags & TRUNCATED != 0 {
            return Some(Answer::Truncated);
        }
        let mut found = Vec::new();
        for _ in 0..answers {
            let Some((kind, data)) = reader.record() else {
                break;
            };
            found.extend(self.address(kind, data));
        }
        Some(Answer::Addresses(found))
    }

    /// The address in a record of the kind that was asked for; aliases on the way have others.
    fn address(&self, kind: u16, data: &[u8]) -> Option<IpAddr> {
        match self.kind {
            _ if kind != self.kind.number() => None,
            Kind::A => Some(Ipv4Addr::from(<[u8; 4]>::try_from(data).ok()?).into()),
            Kind::Aaaa => Some(Ipv6Addr::from(<[u8; 16]>::try_from(data).ok()?).into()),
        }
    }
}

/// Takes a message apart from the front.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn skip(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(n)?;
        self.rest = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u16> {
        let (number, rest) = self.rest.split_first_chunk::<2>()?;
        self.rest = rest;
        Some(u16::from_be_bytes(*number))
    }

    /// Reads over a name; a pointer ends it, and where that leads does not matter.
    fn name(&mut self) -> Option<()> {
        loop {
            let len = *self.skip(1)?.first()?;
            match len {
                0 => return Some(()),
                1..64 => self.skip(usize::from(len))?,
                0xc0.. => return self.skip(1).map(|_| ()),
                _ => return None,
            };
        }
    }

    /// The type and the data of the next record of the Internet.
    fn record(&mut self) -> Option<(u16, &'a [u8])> {
        self.name()?;
        let kind = self.number()?;
        let class = self.number()?;
        let _time_to_live = self.skip(4)?;
        let len = self.number()?;
        let data = self.skip(usize::from(len))?;
        let kind = if class == CLASS_IN { kind } else { 0 };
        Some((kind, data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer to `query` with these flags and records (type, data), whose names are pointers.
    fn answer(query: &Query, flags: u16, records: &[(u16, &[u8])]) -> Vec<u8> {
        let mut bytes = query.bytes().to_vec();
        bytes[2..4].copy_from_slice(&(RESPONSE | flags).to_be_bytes());
        bytes[7] = u8::try_from(records.len()).unwrap();
        for (kind, data) in records {
            bytes.extend([0xc0, 12]);
            bytes.extend(kind.to_be_bytes());
            bytes.extend([0, 1, 0, 0, 0, 60]);
            bytes.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            bytes.extend(*data);
        }
        bytes
    }

    fn query() -> Query {
        Query::new(0x1234, "Frps.example", Kind::A).unwrap()
    }

    #[test]
    fn a_question_as_bytes() {
        let bytes = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04Frps\x07example\x00\x00\x01\x00\x01";
        assert_eq!(query().bytes(), bytes);
    }

    #[test]
    fn what_cannot_be_asked() {
        let long = "a.".repeat(130) + "a";
        for name in ["", "a..b", ".a", &"a".repeat(64), &long] {
            assert_eq!(Query::new(1, name, Kind::A), None, "{name}");
        }
    }

    #[test]
    fn addresses_behind_an_alias() {
        let records: [(u16, &[u8]); 4] = [
            (5, b"\x03www\xc0\x0c"),
            (TYPE_A, &[1, 2, 3, 4]),
            (TYPE_AAAA, &[0; 16]),
            (TYPE_A, &[5, 6, 7, 8]),
        ];
        let found = query().answer(&answer(&query(), 0, &records));
        let expected = ["1.2.3.4", "5.6.7.8"].map(|a| a.parse().unwrap());
        assert_eq!(found, Some(Answer::Addresses(expected.to_vec())));
    }

    #[test]
    fn refusals_and_long_answers() {
        let code = |flags| query().answer(&answer(&query(), flags, &[]));
        assert_eq!(code(3), Some(Answer::Addresses(Vec::new())));
        assert_eq!(code(TRUNCATED), Some(Answer::Truncated));
        for flags in [1, 2, 5, 9] {
            assert!(matches!(code(flags), Some(Answer::Refused(_))));
        }
    }

    #[test]
    fn what_is_no_answer() {
        let other = Query::new(0x1234, "other.example", Kind::A).unwrap();
        assert_eq!(query().answer(&answer(&other, 0, &[])), None);
        let other = Query::new(0x1235, "frps.example", Kind::A).unwrap();
        assert_eq!(query().answer(&answer(&other, 0, &[])), None);
        assert_eq!(query().answer(query().bytes()), None);
        assert_eq!(query().answer(b""), None);
    }

    #[test]
    fn an_answer_cut_anywhere_gives_what_is_there() {
        let whole = answer(&query(), 0, &[(TYPE_A, &[1, 2, 3, 4])]);
        for cut in 0..whole.len() {
            let found = query().answer(&whole[..cut]);
            assert!(!matches!(found, Some(Answer::Addresses(a)) if !a.is_empty()));
        }
    }
}
